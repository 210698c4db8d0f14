# The first process of a made machine: it arranges what the machine sees, then serves ssh.
# first_process.sh ROOM NAME ADDRESS    (in its namespaces; ROOM is what all machines see)
set -euo pipefail
room=$1 name=$2 address=$3 own=$1/$2

hostname "$name"
mount -t proc proc /proc
mount -t tmpfs -o size=2g tmpfs /dev/shm
mount -t tmpfs -o mode=755 tmpfs /run
mkdir -p /run/sshd /run/lock

# its own /tmp, /mnt and /home, in which the room keeps its path
seen=$own/tmp${room#/tmp}
mkdir -p "$seen"
chmod 1777 "$own/tmp"
mount --rbind "$room" "$seen"
mount --rbind "$own/mnt" /mnt
mount --bind "$room/shared" /mnt/shared
mount -t tmpfs -o mode=755 tmpfs /home
mkdir -p /home/ubuntu
mount --bind "$own/home" /home/ubuntu
mkdir -p /home/ubuntu/toco/.venv
mount --bind "$room/venv" /home/ubuntu/toco/.venv
mount --bind "$room/passwd" /etc/passwd
mount --bind "$room/hosts" /etc/hosts
mount --rbind "$own/tmp" /tmp

until ip -o addr show dev eth0 2>/dev/null | grep -q "$address"; do sleep 0.05; done
/usr/sbin/sshd -D -e -f "$room/sshd_config" &
while :; do wait -n || sleep 0.2; done # orphans end up here, and are taken in
