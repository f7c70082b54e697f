"""What runs beside the app: trainings, evaluations and downloads as processes of their own."""
