complete --keep-order --exclusive --command shakedown --arguments "(COMPLETE=fish shakedown -- (commandline --current-process --tokenize --cut-at-cursor) (commandline --current-token))"
