import { execa } from 'execa';

/** Interface, time in seconds and remark of each packet of a file, as Wireshark has them. */
export async function framesOf(file: string) {
  const fields = ['frame.interface_name', 'frame.time_epoch', 'frame.comment'].flatMap((field) => ['-e', field]);
  const { stdout } = await execa('tshark', ['-n', '-r', file, '-T', 'fields', ...fields]);
  return stdout.split('\n').map((line) => {
    const [iface = '', time = '', comment = ''] = line.split('\t');
    return { iface, time: Number(time), comment };
  });
}
