#!/usr/bin/env bash
# A real SLURM on this one machine, for tests: munge, slurmctld and two slurmd. Debian or Ubuntu, root, no systemd.
# Idempotent; down.sh stops it. There is no accounting, so jobs are watched with squeue.
set -euo pipefail

nodes=2 cpus=2 memory_mb=4000
state=/var/lib/eelsunmix-slurm
[ "$(id -u)" = 0 ] || { echo "tests/slurm/up.sh: run as root" >&2; exit 1; }

# This script writes slurm.conf and its counterpart cancels jobs: never where somebody else's SLURM is.
if [ -e /etc/slurm/slurm.conf ] && ! grep -qs '^ClusterName=eelsunmix$' /etc/slurm/slurm.conf; then
    echo "tests/slurm/up.sh: /etc/slurm/slurm.conf belongs to another SLURM; nothing was done" >&2
    exit 1
fi

fail() { echo "tests/slurm/up.sh: $1" >&2; tail -n 20 "$state"/*.log >&2 2>/dev/null; exit 1; }
running() { [ -s "$1" ] && kill -0 "$(cat "$1")" 2>/dev/null; }
until_true() { for _ in $(seq 150); do "$@" >/dev/null 2>&1 && return 0; sleep 0.2; done; return 1; }

if ! dpkg -s slurm-wlm munge >/dev/null 2>&1; then
    export DEBIAN_FRONTEND=noninteractive
    apt-get -qq -o DPkg::Lock::Timeout=600 update >/dev/null
    apt-get -qq -o DPkg::Lock::Timeout=600 install -y --no-install-recommends slurm-wlm munge >/dev/null
fi

mkdir -p "$state"/{control,spool} /etc/slurm
# Without cgroups the memory limit holds by polling (task=1: each second); config_overrides lets the nodes
# claim more than the machine has; MinJobAge keeps finished jobs visible to squeue.
cat >/etc/slurm/slurm.conf <<CONF
ClusterName=eelsunmix
SlurmctldHost=$(hostname -s)(127.0.0.1)
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
CredType=cred/munge
StateSaveLocation=$state/control
SlurmdSpoolDir=$state/spool/%n
SlurmctldPidFile=$state/slurmctld.pid
SlurmdPidFile=$state/slurmd.%n.pid
SlurmctldLogFile=$state/slurmctld.log
SlurmdLogFile=$state/slurmd.%n.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/linux
JobAcctGatherFrequency=task=1
JobAcctGatherParams=OverMemoryKill
SelectType=select/cons_tres
SelectTypeParameters=CR_Core_Memory
SlurmdParameters=config_overrides
MpiDefault=none
SwitchType=switch/none
ReturnToService=2
SchedulerType=sched/builtin
SchedulerParameters=batch_sched_delay=0,sched_interval=1
MinJobAge=300
KillWait=2
AccountingStorageType=accounting_storage/none
NodeName=n[1-$nodes] NodeHostname=$(hostname -s) NodeAddr=127.0.0.1 Port=[17001-1700$nodes] CPUs=$cpus RealMemory=$memory_mb State=UNKNOWN
PartitionName=cpu Nodes=n[1-$nodes] Default=YES MaxTime=60 DefaultTime=10 DefMemPerCPU=$((memory_mb / cpus)) State=UP
CONF

[ -s /etc/munge/munge.key ] || dd if=/dev/urandom of=/etc/munge/munge.key bs=128 count=1 status=none
chown munge: /etc/munge/munge.key
chmod 400 /etc/munge/munge.key
install -d -o munge -g munge -m 755 /run/munge
install -d -o munge -g munge -m 700 /var/log/munge /var/lib/munge
if ! munge -n 2>/dev/null | unmunge >/dev/null 2>&1; then
    setpriv --reuid=munge --regid=munge --clear-groups /usr/sbin/munged --force
    ln -sf /run/munge/munged.pid "$state/munged.pid" # ours, for down.sh to stop
fi
until_true munge -n || fail "munged did not start"

running "$state/slurmctld.pid" || /usr/sbin/slurmctld -i
until_true sh -c 'scontrol ping | grep -q UP' || fail "slurmctld did not start"
for node in $(seq "$nodes"); do
    mkdir -p "$state/spool/n$node"
    running "$state/slurmd.n$node.pid" || /usr/sbin/slurmd -N "n$node"
done
until_true sh -c "[ \"\$(sinfo -h -N -t idle,mix,alloc -o %N | sort -u | wc -l)\" -eq $nodes ]" || fail "nodes did not come up"
srun -n1 -t1 --mem=50 true || fail "a trial job failed"
echo "SLURM is up: $(sinfo -h -o '%D nodes of %c cpus and %m MB')"
