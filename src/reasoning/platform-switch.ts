import { factOf } from '../path/world.js';
import type { Evidence, Snapshot } from '../types.js';

/** Where a host runs, and what lets its packets bear other addresses than its own there. */
export interface PlatformSwitch {
  name: string;
  advice: string;
  evidence: Evidence;
}

interface Known {
  name: string;
  /** Of the vendor and product in DMI, or of the container manager. */
  is: RegExp;
  advice: string;
}

const known: readonly Known[] = [
  {
    name: 'Amazon EC2',
    is: /amazon|\bec2\b/i,
    advice:
      "switch the source/destination check off on the network interfaces of nginx's instance, and of any other that passes such packets on: aws ec2 modify-network-interface-attribute --network-interface-id ID --no-source-dest-check",
  },
  {
    name: 'Google Compute Engine',
    is: /google/i,
    advice:
      "give nginx's instance IP forwarding (canIpForward): gcloud compute instances create … --can-ip-forward, or export, change and update the instance; replies to the clients need a route to it",
  },
  {
    name: 'OpenStack',
    is: /openstack/i,
    advice:
      'allow the foreign addresses on the port: openstack port set --allowed-address ip-address=CLIENTS PORT, or switch port security off for it',
  },
  {
    name: 'Microsoft Azure or Hyper-V',
    is: /microsoft/i,
    advice:
      'Azure: enable IP forwarding on the network interface (az network nic update --ip-forwarding true). Hyper-V: look for port ACLs, and for MAC address spoofing on the adapter where MAC addresses are foreign, too',
  },
  {
    name: 'VMware',
    is: /vmware/i,
    advice:
      'look for SpoofGuard (NSX) on the port; forged transmits and MAC address changes of the port group matter where the MAC address is not the adapter’s own',
  },
  {
    name: 'LXC or Incus',
    is: /\b(?:lxc|lxd|incus)\b/i,
    advice: 'look at security.ipv4_filtering, security.ipv6_filtering and security.mac_filtering of the container’s network device',
  },
  {
    name: 'a container runtime',
    is: /docker|podman|containerd|kube/i,
    advice:
      "let the host's network plug-in pass foreign sources (Calico: allowedSourcePrefixes; Cilium: its source IP verification), or run nginx in the host's own network namespace",
  },
  {
    name: 'QEMU/KVM',
    is: /qemu|kvm|red hat|proxmox|bochs/i,
    advice:
      'libvirt: take the filter clean-traffic or no-ip-spoofing off the interface (virsh dumpxml NAME shows filterref). Proxmox: switch the IP filter of the VM’s firewall off or put the clients into its ipfilter set',
  },
];

/** Told from DMI and the container manager; undefined where these say nothing of a platform that filters. */
export function platformSwitch(snapshot: Snapshot | undefined): PlatformSwitch | undefined {
  const platform = factOf(snapshot, 'platform');
  if (!snapshot || !platform) return undefined;
  const machine = [platform.vendor, platform.product].filter((text) => text !== undefined).join(' ');
  const said = [platform.virtualization ?? '', machine];
  // A container on a cloud's machine is filtered by its own manager first.
  const found = said.flatMap((text) => known.find(({ is }) => text !== '' && is.test(text)) ?? [])[0];
  if (!found) return undefined;
  const source = found.is.test(platform.virtualization ?? '') ? '/run/systemd/container, /.dockerenv' : '/sys/class/dmi/id';
  return {
    name: found.name,
    advice: found.advice,
    evidence: { host: snapshot.host, what: said.filter((text) => text !== '').join(', '), source },
  };
}

/** Where the platform is not known. */
export const anyPlatform =
  "outside the host: a cloud's source check, port security, a hypervisor's filter or a switch that takes a host's packets under its own addresses alone";
