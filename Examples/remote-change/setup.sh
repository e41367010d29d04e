# The server of the example, in a network namespace: `unshare -n sh setup.sh` and then the commands of transcript.txt.
ip link set lo up
ip link add eth0 type veth peer name wire
ip addr add 192.0.2.1/24 dev eth0
ip link set eth0 up
ip link set wire up
ferrule apply --backend legacy loaded.v4
# Docker and fail2ban come later than the file.
iptables-legacy -N DOCKER
iptables-legacy -A FORWARD -o docker0 -j DOCKER
iptables-legacy -N f2b-sshd
iptables-legacy -I INPUT -p tcp --dport 22 -j f2b-sshd
iptables-legacy -A f2b-sshd -s 203.0.113.66 -j REJECT
# sshd sets this in every session.
export SSH_CONNECTION='192.0.2.9 50022 192.0.2.1 22'
