"""HTML pages over the API. All that they load is served from here: no other host, no inline script or style."""
