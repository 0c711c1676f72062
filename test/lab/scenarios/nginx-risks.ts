import { client, upstreams } from '../article.js';
import type { Change, Lab } from '../lab.js';
import type { Scenario } from './scenario.js';

/** Works in the probes, and fails under traffic that they do not send. */
export interface NginxRisk extends Scenario {
  cause: string;
  /** What the harm itself makes of the risk. */
  becomesFault?: true;
  /** Sends that traffic; true when it came to harm. */
  bites(lab: Lab): Promise<boolean>;
}

const method1 = (to: string): Change => ({ host: 'proxy', replace: [['        proxy_responses 1;\n', to]] });
const severalWorkers: Change = { host: 'proxy', replace: [['worker_processes 1;', 'worker_processes 4;']] };

/** One process that asks port 5300 from `sockets` sockets, `each` questions at once from each; it prints how many answers came. */
const ask = (sockets: number, each: number): string => `perl -MSocket -e '
  my $to = sockaddr_in(5300, inet_aton("192.168.99.10"));
  my $question = pack("n*", 7, 0x0100, 1, 0, 0, 0) . "\\3www\\7example\\3com\\0" . pack("n2", 1, 1);
  my $answers = 0;
  for (1 .. ${sockets}) {
    socket(my $s, PF_INET, SOCK_DGRAM, 17) or die;
    bind($s, sockaddr_in(0, inet_aton("${client.address}"))) or die;
    send($s, $question, 0, $to) for 1 .. ${each};
    for (1 .. ${each}) {
      my $ready = "";
      vec($ready, fileno($s), 1) = 1;
      last unless select($ready, undef, undef, 0.05);
      recv($s, my $answer, 512, 0);
      $answers++;
    }
  }
  print $answers;'`;

/** Each session leaves a line in sessions.log. */
const logSessions: Change = {
  host: 'proxy',
  replace: [['stream {\n', "stream {\n    log_format session '$remote_addr:$remote_port';\n    access_log sessions.log session;\n"]],
};

/** In the place of the name server: notes of each datagram whether it has the PROXY protocol header, and answers. */
const readHeaders: readonly Change[] = upstreams.map(({ name, address }) => ({
  host: name,
  run: `kill $(cat dnsmasq-5300.pid); sleep 0.2
perl -MSocket -e '
  $| = 1;
  socket(my $s, PF_INET, SOCK_DGRAM, 17) or die;
  bind($s, sockaddr_in(5300, inet_aton("${address}"))) or die;
  print "ready\\n";
  while (my $from = recv($s, my $datagram, 2000, 0)) { print $datagram =~ /^PROXY / ? "with\\n" : "without\\n"; send($s, "ok", 0, $from) }
' > headers.log 2>&1 &
until grep -q ready headers.log; do sleep 0.05; done`,
}));

export const nginxRisks: readonly NginxRisk[] = [
  {
    name: 'nginx/udp-sessions-pile-up',
    cause: 'nginx/udp-sessions-pile-up',
    becomesFault: true,
    changes: [{ host: 'proxy', replace: [['        proxy_responses 1;\n        proxy_timeout 2s;\n', '']] }],
    // 512 connections are enough for one volley, not for a second beside sessions that do not end.
    bites: async (lab) => {
      await lab.must('client', ask(200, 1));
      await lab.must('client', 'sleep 11');
      return Number(await lab.must('client', ask(200, 1))) < 200;
    },
  },
  {
    name: 'nginx/udp-without-reuseport',
    cause: 'nginx/udp-without-reuseport',
    changes: [severalWorkers, logSessions, method1('')],
    bites: async (lab) => {
      await lab.must('proxy', ': > sessions.log');
      await lab.must('client', ask(50, 4));
      return Number(await lab.must('proxy', 'sleep 2.5; wc -l < sessions.log')) > 50;
    },
  },
  {
    name: 'nginx/udp-proxy-protocol',
    cause: 'nginx/udp-proxy-protocol',
    changes: [...readHeaders, method1('        proxy_responses 1;\n        proxy_protocol on;\n')],
    bites: async (lab) => {
      for (const { name } of upstreams) await lab.must(name, ': > headers.log');
      await lab.must('client', ask(20, 2));
      const logs = await Promise.all(upstreams.map(({ name }) => lab.must(name, 'cat headers.log')));
      return logs.join('').includes('without');
    },
  },
];
