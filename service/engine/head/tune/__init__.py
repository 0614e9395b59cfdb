"""Ray Tune's plug-ins for a sweep, under Tune's names: search algorithm, scheduler, callback, stopper, tuner."""
