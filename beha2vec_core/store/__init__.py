"""Where data is stored.

``limits`` (memory and threads of each connection), ``warehouse`` (the file and its lock), ``tables`` and ``columns``
(what is in it), ``migrate``, ``versions`` (going back to one), ``publish`` (the copy that people read), ``published``
(that copy, opened), ``anonymous`` (the part of it that language models read), ``export`` (files for other tools).
"""
