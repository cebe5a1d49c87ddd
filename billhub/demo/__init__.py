"""The demonstration: sandbox systems, Airflow's own scheduler, the whole flow, and a summary counted from both sides."""
