"""One module per kind of policy; the module's name is the kind's name, its class is `Kind`."""
