"""The load archive: samples of the cluster's load, kept for years, and the route that answers from them."""
