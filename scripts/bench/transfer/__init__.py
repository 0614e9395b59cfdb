"""What a coarse first stage foretells of full training, on real tasks: setups, trainings and their evaluation."""
