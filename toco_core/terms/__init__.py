"""The weighted terms of ToCo's loss, a file each, and the list of them all in `objective`."""
