#!/bin/bash
# A machine with UEFI and one with legacy BIOS boot from the box, are imaged by its ring and reach the login of their own disk.
exec python3 "$(dirname "$0")/lab.py" test bios uefi
