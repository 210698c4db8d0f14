"""From a source (VOC, COCO, a folder, PartScenes) to shards: in parallel, and resumable."""
