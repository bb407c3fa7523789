// Starts Swagger UI with the OpenAPI document. It is a file because the security policy forbids inline scripts.

const main = document.getElementById("swagger-ui");

SwaggerUIBundle({ url: main.dataset.openapi, domNode: main, deepLinking: true, tryItOutEnabled: true });
