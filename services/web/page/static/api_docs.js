// Starts Swagger UI on the API's own description. A file, since the security policy allows no inline script.

const main = document.getElementById("swagger-ui");

SwaggerUIBundle({ url: main.dataset.openapi, domNode: main, deepLinking: true, tryItOutEnabled: true });
