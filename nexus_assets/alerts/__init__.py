"""Telling a person: what Dagster's history says went wrong becomes alerts, each told once, reminded of, and resolved.

`events` reads the history, `book` keeps the alerts, `policy` says who is told what, `message` in which words, `delivery` sends it;
`rounds` is one pass over all of that, made by the sensor every few seconds and by `nexus-assets alert`.
"""
