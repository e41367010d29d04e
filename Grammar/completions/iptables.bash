# Completion of the iptables commands for bash; for zsh after `autoload -U bashcompinit && bashcompinit'.
# Made from the extensions' tables by `make grammar'; do not edit.

declare -gA _ferrule_match_options=(
  [addrtype]="--dst-type --limit-iface-in --limit-iface-out --src-type"
  [ah]="--ahlen --ahres --ahspi"
  [bpf]="--bytecode --object-pinned"
  [cgroup]="--cgroup --path"
  [cluster]="--cluster-hash-seed --cluster-local-node --cluster-local-nodemask --cluster-total-nodes"
  [comment]="--comment"
  [connbytes]="--connbytes --connbytes-dir --connbytes-mode"
  [connlabel]="--label --set"
  [connlimit]="--connlimit-above --connlimit-daddr --connlimit-mask --connlimit-saddr --connlimit-upto"
  [connmark]="--mark"
  [conntrack]="--ctdir --ctexpire --ctorigdst --ctorigdstport --ctorigsrc --ctorigsrcport --ctproto --ctrepldst --ctrepldstport --ctreplsrc --ctreplsrcport --ctstate --ctstatus"
  [cpu]="--cpu"
  [dccp]="--dccp-option --dccp-types --destination-port --dport --source-port --sport"
  [devgroup]="--dst-group --src-group"
  [dscp]="--dscp --dscp-class"
  [dst]="--dst-len --dst-opts"
  [ecn]="--ecn-ip-ect --ecn-tcp-cwr --ecn-tcp-ece"
  [esp]="--espspi"
  [frag]="--fragfirst --fragid --fraglast --fraglen --fragmore --fragres"
  [hashlimit]="--hashlimit --hashlimit-above --hashlimit-burst --hashlimit-dstmask --hashlimit-htable-expire --hashlimit-htable-gcinterval --hashlimit-htable-max --hashlimit-htable-size --hashlimit-mode --hashlimit-name --hashlimit-rate-interval --hashlimit-rate-match --hashlimit-srcmask --hashlimit-upto"
  [hbh]="--hbh-len --hbh-opts"
  [helper]="--helper"
  [hl]="--hl --hl-eq --hl-gt --hl-lt"
  [icmp]="--icmp-type"
  [icmp6]="--icmpv6-type"
  [icmpv6]="--icmpv6-type"
  [ipcomp]="--compres --ipcompspi"
  [iprange]="--dst-range --src-range"
  [ipv6-icmp]="--icmpv6-type"
  [ipv6header]="--header --soft"
  [ipvs]="--ipvs --vaddr --vdir --vmethod --vport --vportctl --vproto"
  [length]="--length"
  [limit]="--limit --limit-burst"
  [mac]="--mac-source"
  [mark]="--mark"
  [mh]="--mh-type"
  [multiport]="--destination-ports --dports --ports --source-ports --sports"
  [nfacct]="--nfacct-name"
  [osf]="--genre --log --ttl"
  [owner]="--gid-owner --socket-exists --suppl-groups --uid-owner"
  [physdev]="--physdev-in --physdev-is-bridged --physdev-is-in --physdev-is-out --physdev-out"
  [pkttype]="--pkt-type"
  [policy]="--dir --mode --next --pol --proto --reqid --spi --strict --tunnel-dst --tunnel-src"
  [quota]="--quota"
  [rateest]="--rateest --rateest-bps --rateest-bps1 --rateest-bps2 --rateest-delta --rateest-eq --rateest-gt --rateest-lt --rateest-pps --rateest-pps1 --rateest-pps2 --rateest1 --rateest2"
  [realm]="--realm"
  [recent]="--hitcount --mask --name --rcheck --rdest --reap --remove --rsource --rttl --seconds --set --update"
  [rpfilter]="--accept-local --invert --loose --validmark"
  [rt]="--rt-0-addrs --rt-0-not-strict --rt-0-res --rt-len --rt-segsleft --rt-type"
  [sctp]="--chunk-types --destination-port --dport --source-port --sport"
  [set]="--bytes-eq --bytes-gt --bytes-lt --match-set --packets-eq --packets-gt --packets-lt --return-nomatch --set --update-counters --update-subcounters"
  [socket]="--nowildcard --restore-skmark --transparent"
  [srh]="--srh-hdr-len-eq --srh-hdr-len-gt --srh-hdr-len-lt --srh-last-entry-eq --srh-last-entry-gt --srh-last-entry-lt --srh-lsid --srh-next-hdr --srh-nsid --srh-psid --srh-segs-left-eq --srh-segs-left-gt --srh-segs-left-lt --srh-tag"
  [state]="--state"
  [statistic]="--every --mode --packet --probability"
  [string]="--algo --from --hex-string --icase --string --to"
  [tcp]="--destination-port --dport --source-port --sport --syn --tcp-flags --tcp-option"
  [tcpmss]="--mss"
  [time]="--contiguous --datestart --datestop --kerneltz --localtz --monthdays --timestart --timestop --utc --weekdays"
  [tos]="--tos"
  [ttl]="--ttl --ttl-eq --ttl-gt --ttl-lt"
  [u32]="--u32"
  [udp]="--destination-port --dport --source-port --sport"
)
declare -gA _ferrule_target_options=(
  [AUDIT]="--type"
  [CHECKSUM]="--checksum-fill"
  [CLASSIFY]="--set-class"
  [CLUSTERIP]="--clustermac --hash-init --hashmode --local-node --new --total-nodes"
  [CONNMARK]="--and-mark --ctmask --left-shift-mark --mask --nfmask --or-mark --restore-mark --right-shift-mark --save-mark --set-mark --set-xmark --xor-mark"
  [CONNSECMARK]="--restore --save"
  [CT]="--ctevents --expevents --helper --notrack --timeout --zone --zone-orig --zone-reply"
  [DNAT]="--persistent --random --to-destination"
  [DNPT]="--dst-pfx --src-pfx"
  [DSCP]="--set-dscp --set-dscp-class"
  [ECN]="--ecn-ip-ect --ecn-tcp-cwr --ecn-tcp-ece --ecn-tcp-remove"
  [HL]="--hl-dec --hl-inc --hl-set"
  [HMARK]="--hmark-dport --hmark-dport-mask --hmark-dst-prefix --hmark-mod --hmark-offset --hmark-proto-mask --hmark-rnd --hmark-spi --hmark-spi-mask --hmark-sport --hmark-sport-mask --hmark-src-prefix --hmark-tuple"
  [IDLETIMER]="--alarm --label --timeout"
  [LED]="--led-always-blink --led-delay --led-trigger-id"
  [LOG]="--log-ip-options --log-level --log-macdecode --log-prefix --log-tcp-options --log-tcp-sequence --log-uid"
  [MARK]="--and-mark --or-mark --set-mark --set-xmark --xor-mark"
  [MASQUERADE]="--random --random-fully --to-ports"
  [NETMAP]="--to"
  [NFLOG]="--nflog-group --nflog-prefix --nflog-range --nflog-size --nflog-threshold"
  [NFQUEUE]="--queue-balance --queue-bypass --queue-cpu-fanout --queue-num"
  [RATEEST]="--rateest-ewmalog --rateest-interval --rateest-name"
  [REDIRECT]="--random --to-ports"
  [REJECT]="--reject-with"
  [SECMARK]="--selctx"
  [SET]="--add-set --del-set --exist --map-mark --map-prio --map-queue --map-set --timeout"
  [SNAT]="--persistent --random --random-fully --to-source"
  [SNPT]="--dst-pfx --src-pfx"
  [SYNPROXY]="--ecn --mss --sack-perm --timestamp --wscale"
  [TCPMSS]="--clamp-mss-to-pmtu --set-mss"
  [TCPOPTSTRIP]="--strip-options"
  [TEE]="--gateway --oif"
  [TOS]="--and-tos --or-tos --set-tos --xor-tos"
  [TPROXY]="--on-ip --on-port --tproxy-mark"
  [TTL]="--ttl-dec --ttl-inc --ttl-set"
  [ULOG]="--ulog-cprange --ulog-nlgroup --ulog-prefix --ulog-qthreshold"
)

_ferrule_iptables() {
  local current=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD - 1]} words= index
  local matches="addrtype ah bpf cgroup cluster comment connbytes connlabel connlimit connmark conntrack cpu dccp devgroup dscp ecn esp hashlimit helper icmp ipcomp iprange ipvs length limit mac mark multiport nfacct osf owner physdev pkttype policy quota rateest realm recent rpfilter sctp set socket state statistic string tcp tcpmss time tos ttl u32 udp" targets="AUDIT CHECKSUM CLASSIFY CLUSTERIP CONNMARK CONNSECMARK CT DNAT DSCP ECN HMARK IDLETIMER LED LOG MARK MASQUERADE NETMAP NFLOG NFQUEUE NOTRACK RATEEST REDIRECT REJECT SECMARK SET SNAT SYNPROXY TCPMSS TCPOPTSTRIP TEE TOS TPROXY TRACE TTL ULOG"
  if [[ ${COMP_WORDS[0]##*/} == ip6tables* ]]; then
    matches="addrtype ah bpf cgroup cluster comment connbytes connlabel connlimit connmark conntrack cpu dccp devgroup dscp dst ecn esp eui64 frag hashlimit hbh helper hl icmp6 ipcomp iprange ipv6header ipvs length limit mac mark mh multiport nfacct owner physdev pkttype policy quota rateest recent rpfilter rt sctp set socket srh state statistic string tcp tcpmss time tos u32 udp"
    targets="AUDIT CHECKSUM CLASSIFY CONNMARK CONNSECMARK CT DNAT DNPT DSCP HL HMARK IDLETIMER LED LOG MARK MASQUERADE NETMAP NFLOG NFQUEUE NOTRACK RATEEST REDIRECT REJECT SECMARK SET SNAT SNPT SYNPROXY TCPMSS TCPOPTSTRIP TEE TOS TPROXY TRACE"
  fi
  case $previous in
  -m | --match) words=$matches ;;
  -j | --jump) words="ACCEPT DROP QUEUE RETURN $targets" ;;
  -t | --table) words="raw mangle nat filter security" ;;
  -p | --protocol) words="tcp sctp udp udplite icmp icmpv6 ipv6-icmp esp ah ipv6-mh mh all" ;;
  -P | --policy | -A | --append | -I | --insert | -D | --delete | -R | --replace | -C | --check | -L | --list | -S | --list-rules | -F | --flush | -Z | --zero)
    words="PREROUTING INPUT FORWARD OUTPUT POSTROUTING" ;;
  INPUT | FORWARD | OUTPUT)
    case ${COMP_WORDS[COMP_CWORD - 2]} in -P | --policy) words="ACCEPT DROP" ;; esac ;;
  esac
  if [[ -z $words && $current == -* ]]; then
    words="--append --check --delete --insert --replace --list --list-rules --flush --zero --new-chain --delete-chain --rename-chain --policy --protocol --source --destination --in-interface --out-interface --jump --goto --match --numeric --verbose --wait --exact --line-numbers --set-counters --table --modprobe --fragments --ipv4 --ipv6 --help --version"
    for ((index = 1; index < COMP_CWORD; index++)); do
      case ${COMP_WORDS[index - 1]} in
      -m | --match | -p | --protocol) words+=" ${_ferrule_match_options[${COMP_WORDS[index]}]}" ;;
      -j | --jump) words+=" ${_ferrule_target_options[${COMP_WORDS[index]}]}" ;;
      esac
    done
  fi
  COMPREPLY=($(compgen -W "$words" -- "$current"))
}

complete -F _ferrule_iptables iptables iptables-legacy ip6tables ip6tables-legacy
