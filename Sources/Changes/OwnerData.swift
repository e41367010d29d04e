/// The programs that are known to load rules of their own, as a file of the format that `Grammar/owners.schema.json` describes.
let knownOwners = """
  docker:
    chains: ["DOCKER", "DOCKER-*"]
    rules:
      - "-A FORWARD -o docker0 -m * --ctstate RELATED,ESTABLISHED -j ACCEPT"
      - "-A FORWARD -i docker0 ! -o docker0 -j ACCEPT"
      - "-A FORWARD -i docker0 -o docker0 -j ACCEPT"
      - "-A FORWARD -i docker0 -o docker0 -j DROP"
      - "-A POSTROUTING -s * ! -o docker0 -j *"
      - "-A POSTROUTING -o docker0 -m * --src-type LOCAL -j *"
      - "-A FORWARD -o br-???????????? -m * --ctstate RELATED,ESTABLISHED -j ACCEPT"
      - "-A FORWARD -i br-???????????? ! -o br-???????????? -j ACCEPT"
      - "-A FORWARD -i br-???????????? -o br-???????????? -j ACCEPT"
      - "-A FORWARD -i br-???????????? -o br-???????????? -j DROP"
      - "-A POSTROUTING -s * ! -o br-* -j *"
      - "-A POSTROUTING -o br-* -m * --src-type LOCAL -j *"
      - "-A POSTROUTING -s 172.* -d 172.* -p * -m * --dport * -j *"
      - "-A PREROUTING -d 127.0.0.1/32 ! -i lo -p * -m * --dport * -j DROP"
      - "-A PREROUTING -d 127.0.0.1/32 -i loopback0 -p * -m * --dport * -j ACCEPT"
      - "-A PREROUTING -d * ! -i docker0 -p * -m * --dport * -j DROP"
      - "-A PREROUTING -d * ! -i docker0 -j DROP"
      - "-A PREROUTING -d * ! -i br-* -j DROP"
  kube:
    chains: ["KUBE-*"]
    rules: ["* --comment \\"kubernetes *"]
  cni:
    chains: ["CNI-*", "FLANNEL-*", "cali-*", "CILIUM_*", "OLD_CILIUM_*", "WEAVE", "WEAVE-*"]
    rules: ["* --comment \\"cali:*", "* --comment \\"name: *", "* --comment \\"flanneld *", "* --comment \\"cilium-feeder: *"]
  fail2ban:
    chains: ["f2b-*", "fail2ban-*"]
  libvirt:
    chains: ["LIBVIRT_*"]
    rules: ["* -i virbr* *", "* -o virbr* *"]
  tailscale:
    chains: ["ts-*"]
  ufw:
    chains: ["ufw-*", "ufw6-*"]

  """
