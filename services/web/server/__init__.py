"""How the application is served: what one client may cost before a request reaches it, and who serves after a crash."""
