# A node of Slurm's, as far as cluster/slurm.sbatch sees one: run in namespaces of its own, as root.
# slurm_node.sh SCRIPT TOOLS SIGNAL OPTIONS...    (TOOLS come first on PATH; SIGNAL is a file whose
# appearance stands for the ten minutes that are left)
set -uo pipefail
script=$1 tools=$2 sign=$3
shift 3
mount -t proc proc /proc
ip link set lo up
ip link add eth0 type veth peer name far  # both ends here: it needs no other machine
ip link set far up
ip addr add 10.78.0.1/24 dev eth0
ip link set eth0 up
ip route add default via 10.78.0.2 # nobody is there, but Ray asks which address would lead out
PATH=$tools:$PATH bash "$script" "$@" &
job=$!
while [ ! -e "$sign" ] && kill -0 $job 2> /dev/null; do sleep 0.2; done
if [ -e "$sign" ]; then kill -TERM $job; fi
status=0
wait $job || status=$?
while kill -0 $job 2> /dev/null; do
    status=0
    wait $job || status=$?
done
exit "$status"
