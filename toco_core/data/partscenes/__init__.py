"""PartScenes: a drawn stand-in for VOC that is as hard for weak supervision as photographs are.

An object is a *body*, whose colour, pattern and outline only lean towards its class, and a *part*,
which defines the class. A classifier needs the part alone, so its CAM lights up the part and misses
most of the body, just as a CAM on photographs finds the head of the cow. Around the objects stand
textured backgrounds, bodies of no class, occlusion, and one pair of classes that like to appear
together.
"""
