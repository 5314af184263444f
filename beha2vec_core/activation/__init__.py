"""Activation: members of audiences are sent to other systems, and a ledger says what was sent to whom.

What belongs here, lower ones first: ``destination`` (the interface), ``http`` (requests and their answers) and
``folders``, a module per kind of destination (``ga4``, ``files``, ``webhook``, ``data_manager`` with ``contacts``,
``bigquery``, ``warehouses``), ``config`` (the file of destinations), ``ledger`` (what was sent), ``plan`` (who will be
sent, and why others are not), ``send``, ``run`` (what the command line and the graph do), ``forget`` (forgotten people
leave).
"""
