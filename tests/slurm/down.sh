#!/usr/bin/env bash
# Stop what up.sh started, by the process ids that the daemons wrote.
set -u
state=/var/lib/eelsunmix-slurm
if ! grep -qs '^ClusterName=eelsunmix$' /etc/slurm/slurm.conf; then
    echo "tests/slurm/down.sh: no SLURM of up.sh is here; nothing was done" >&2
    exit 0
fi
squeue -h -o %A 2>/dev/null | xargs -r scancel 2>/dev/null
for file in "$state"/slurmd.*.pid "$state/slurmctld.pid" "$state/munged.pid"; do
    [ -s "$file" ] || continue
    process=$(cat "$file")
    kill "$process" 2>/dev/null
    for _ in $(seq 50); do kill -0 "$process" 2>/dev/null || break; sleep 0.2; done
done
rm -f "$state/munged.pid"
echo "SLURM is down"
