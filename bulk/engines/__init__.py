"""Where photos are classified: processes of this machine, or Ray Data."""
