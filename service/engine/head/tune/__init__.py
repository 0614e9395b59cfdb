"""Ray Tune's plug-ins for a sweep, under Tune's names: search algorithm, scheduler, callbacks, tuner, loggers.

The stopper is `service.engine.head.stopper`, as more than Tune asks it.
"""
