"""The WSGI entry point of a deployment: `slurm_rest_api.wsgi:application`."""

from __future__ import annotations

import gc
import logging
import os
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Final

from slurm_rest_api.errors import ServiceError

if TYPE_CHECKING:
    from wsgiref.types import WSGIApplication

try:
    import uwsgi
except ImportError:
    # The module exists only inside uWSGI.
    uwsgi = None

logger = logging.getLogger(__name__)

_RETRY_SECONDS: Final = 5.0
_NICENESS: Final = 10


def _is_replacement() -> bool:
    """Returns True if this worker of uWSGI takes the place of one that has ended."""
    return uwsgi is not None and uwsgi.workers()[uwsgi.worker_id() - 1]["respawn_count"] > 0


def _load() -> WSGIApplication:
    """Imports the service and creates its application."""
    from slurm_rest_api.app import create_app
    from slurm_rest_api.config import ConfigInUse, load_in_use
    from slurm_rest_api.config_files import check_files
    from slurm_rest_api.processes.children import close_new_files_to_others
    from slurm_rest_api.processes.logging import configure_logs

    settings = load_in_use(None, check_files)
    configure_logs(settings)
    close_new_files_to_others()
    return create_app(settings, is_checked=ConfigInUse.of_environment() is not None)


def _load_at_low_priority() -> WSGIApplication:
    """Calls `_load` in a thread that leaves the processors to the workers that serve clients.

    Linux has a priority for each thread. Only a privileged process could set that of the main thread back.
    """
    with ThreadPoolExecutor(1, initializer=_lower_priority) as executor:
        return executor.submit(_load).result()


def _lower_priority() -> None:
    try:
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), _NICENESS)
    except PermissionError as error:
        # The filter of system calls of an older unit.
        logger.info("This worker loads at normal priority: %s.", error.strerror)


# Nearly all objects that a start makes live as long as the worker. Searching them for garbage would be a sixth of its
# processor time, and a part of each later collection. The imports make most of them, so they come after this.
gc.disable()
try:
    application = _load_at_low_priority() if _is_replacement() else _load()
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
