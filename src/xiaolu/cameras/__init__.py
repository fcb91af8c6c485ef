"""The rig and the renderer: a scene becomes frames, and class, identity, depth and flow images. OpenGL 3.3 core."""
