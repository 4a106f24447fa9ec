"""Program 2: jobs by their ids, from the snapshot store while slurmctld has them, else from the accounting database."""
