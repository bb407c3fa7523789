"""Commands for the night, which pytest does not run: ./test.sh --nightly. They find what no test was written for."""
