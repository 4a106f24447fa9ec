"""The WSGI entry point of a deployment: `slurm_rest_api.wsgi:application`."""

from slurm_rest_api.app import create_app
from slurm_rest_api.config import load_settings
from slurm_rest_api.processes.children import close_new_files_to_others
from slurm_rest_api.processes.logging import configure_logs
from slurm_rest_api.slurmapi.shared.runtime_dir import require_private

settings = load_settings()
configure_logs(settings)
close_new_files_to_others()
require_private(settings)
application = create_app(settings)
