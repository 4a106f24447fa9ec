"""Pages for people. Whatever they load lies in `static/`: nothing comes from another host, and no script is inline."""
