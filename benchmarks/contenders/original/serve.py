"""The original design: FastAPI and the predict method of Keras in one process."""

from fastapi import FastAPI, UploadFile

from benchmarks.contenders import predictor

app = FastAPI()
model = predictor.load()


@app.post("/predict")
def predict(file: UploadFile) -> dict:
    """Runs on FastAPI's thread pool."""
    return predictor.answer(model(predictor.pixels_of(file.file.read())))
