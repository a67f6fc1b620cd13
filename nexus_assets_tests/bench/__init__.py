"""Measuring the loads beside other ways to do the same, in one run, as ratios: seconds of a shared machine mean little."""
