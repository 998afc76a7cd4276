"""`bench.py --population --rivals ...`: net-steps a second of many small networks."""
