/// The programs that are known to load rules of their own, as a file of the format that `Grammar/owners.schema.json` describes.
let knownOwners = """
  docker:
    chains: ["DOCKER", "DOCKER-*"]
    rules: ["* -i docker0 *", "* -o docker0 *", "* -i docker0", "* -o docker0", "* -i br-* *", "* -o br-* *"]
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
