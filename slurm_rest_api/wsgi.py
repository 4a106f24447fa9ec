"""The WSGI entry point of a deployment: `slurm_rest_api.wsgi:application`."""

from slurm_rest_api.app import create_app
from slurm_rest_api.config import load_settings
from slurm_rest_api.processes.logging import configure_logs

settings = load_settings()
configure_logs(settings)
application = create_app(settings)
