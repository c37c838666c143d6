"""Station 1, the drop folder: files in, to ``taken`` or ``refused`` with the reason beside them."""

from gateway.ingest.folder.door import FolderDoor, open_folder_door
from gateway.ingest.folder.settings import FolderSettings, Origin
from gateway.ingest.folder.submit import StillWritten, submit_file

__all__ = ["FolderDoor", "FolderSettings", "Origin", "StillWritten", "open_folder_door", "submit_file"]
