"""The WSGI entry point of a deployment: `slurm_rest_api.wsgi:application`."""

from slurm_rest_api.app import create_app
from slurm_rest_api.config import load_settings

application = create_app(load_settings())
