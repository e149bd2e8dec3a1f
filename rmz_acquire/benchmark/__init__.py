"""What deciding costs on this machine, and what adaptive scanning saves of it.

Times anything that obeys the `Estimator` Protocol; knows no network by name.
"""
