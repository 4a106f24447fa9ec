"""The WSGI entry point of a deployment: `slurm_rest_api.wsgi:application`."""

from __future__ import annotations

import gc
import logging
import os
import time
from typing import Final

from slurm_rest_api.errors import ServiceError

try:
    import uwsgi
except ImportError:
    # The module exists only inside uWSGI.
    uwsgi = None

logger = logging.getLogger(__name__)

_RETRY_SECONDS: Final = 5.0


def _is_replacement() -> bool:
    """Returns True if this worker of uWSGI takes the place of one that has ended."""
    return uwsgi is not None and uwsgi.workers()[uwsgi.worker_id() - 1]["respawn_count"] > 0


# Nearly all objects that a start makes live as long as the worker. Searching them for garbage would be a sixth of its
# processor time, and a part of each later collection. The imports make most of them, so they come after this.
gc.disable()
try:
    from slurm_rest_api.app import create_app
    from slurm_rest_api.config import ConfigInUse, load_in_use
    from slurm_rest_api.config_files import check_files
    from slurm_rest_api.processes.children import close_new_files_to_others
    from slurm_rest_api.processes.logging import configure_logs

    settings = load_in_use(None, check_files)
    configure_logs(settings)
    close_new_files_to_others()
    application = create_app(settings, is_checked=ConfigInUse.of_environment() is not None)
except Exception as error:
    if not _is_replacement():
        raise
    # With `need-app`, uWSGI would end all workers. The others answer, and uWSGI starts another one for this.
    is_bug = not isinstance(error, ServiceError)
    logger.error("This worker cannot start. Another one is started in %g s. %s", _RETRY_SECONDS, error, exc_info=is_bug)
    time.sleep(_RETRY_SECONDS)
    os._exit(1)
finally:
    gc.freeze()
    gc.enable()
