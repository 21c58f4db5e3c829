#!/usr/bin/perl
# A small SMS vendor that behaves as the manual 客户接口说明 describes.
# Started as:  PORT=8080 perl vendor.pl      (listens on 127.0.0.1 only)
# Environment: PORT USERID ACCOUNT PASSWORD BALANCE FORBIDDEN DELAY BREAK
#
# A comment that begins with CHOICE marks a point on which the manual is silent.
# A line that tests broken(N) is deviation N of breaks.json.
use strict;
use warnings;
use utf8;
use Digest::MD5    qw(md5_hex);
use Encode         qw(decode encode decode_utf8 encode_utf8);
use Errno          qw(EAGAIN EWOULDBLOCK EINTR);
use IO::Select;
use IO::Socket::INET;
use POSIX          qw(strftime);
use Time::HiRes    qw(time);
use Time::Local    qw(timelocal);

$SIG{PIPE} = 'IGNORE';
$| = 1;

sub env { my ($name, $default) = @_; return $ENV{$name} // $default }

my $PORT      = env(PORT     => 8080);
my $USERID    = env(USERID   => '12');
my $ACCOUNT   = env(ACCOUNT  => 'test');            # bytes, as MD5 wants them
my $PASSWORD  = env(PASSWORD => 'mima');
my $RECHARGED = int env(BALANCE => 100000);         # 总充值点数
my $FORBIDDEN = decode_utf8(env(FORBIDDEN => encode_utf8('发票')));
my $DELAY     = env(DELAY => 1);
my $BREAK     = env(BREAK => '') || 0;

sub broken { return $BREAK == $_[0] }

# ---------------------------------------------------------------- the state

# One process and one event loop: a request is worked off as a whole before the
# next one is looked at, so concurrent requests cannot disturb one another.
my $balance   = $RECHARGED;
my $last_task = 0;
my @reports;            # 状态报告 not yet fetched, in the order of sending
my @replies;            # 上行 not yet fetched

# ---------------------------------------------------------------- XML

sub escape {
    my ($text) = @_;
    # CHOICE: control characters that XML 1.0 does not know are dropped.
    $text =~ s/[\x00-\x08\x0B\x0C\x0E-\x1F\x{FFFE}\x{FFFF}]//g;
    $text =~ s/&/&amp;/g;
    $text =~ s/</&lt;/g;
    $text =~ s/>/&gt;/g;
    return $text;
}

sub cdata {
    my ($text) = @_;
    $text =~ s/[\x00-\x08\x0B\x0C\x0E-\x1F\x{FFFE}\x{FFFF}]//g;
    $text =~ s/\]\]>/]]]]><![CDATA[>/g;
    return "<![CDATA[$text]]>";
}

# CHOICE: the reply's text and the remark of an error stand in CDATA, all other
# text is escaped.
my %in_cdata = (content => 1, remark => 1);

# CHOICE: an empty element is written long, <extno></extno>, never <extno/>.
sub element {
    my ($depth, $name, $value) = @_;
    $value = $in_cdata{$name} ? cdata($value) : escape($value);
    return ("\t" x $depth) . "<$name>$value</$name>";
}

# CHOICE: CRLF line ends (also behind the last line), tab indentation, and a
# comment as the first thing in the root.
sub document {
    my ($charset, $comment, @lines) = @_;
    return join '', map { "$_\r\n" }
        qq{<?xml version="1.0" encoding="$charset" ?>},
        '<returnsms>', "\t<!-- $comment -->", @lines, '</returnsms>';
}

# A flat answer of pairs (name, value), as in chapters 1 to 3.
sub flat {
    my ($page, $comment, @pairs) = @_;
    my @lines;
    while (my ($name, $value) = splice @pairs, 0, 2) {
        push @lines, element(1, $name, $value);
    }
    return document($page->{label}, $comment, @lines);
}

# A list of boxes, as in chapters 4 and 5.
sub boxes {
    my ($page, $box, $names, @rows) = @_;
    my @lines;
    for my $row (@rows) {
        push @lines, "\t<$box>", (map { element(2, $_, $row->{$_}) } @$names), "\t</$box>";
    }
    return document($page->{label}, scalar(@rows) . " $box", @lines);
}

my @REMARK = ('', '用户名或密码不能为空', '用户名或密码错误',
              '该用户不允许查看状态报告', '参数不正确');

# 4.4 and 5.4
sub errorstatus {
    my ($page, $number, $shown) = @_;
    return document($page->{label}, 'errorstatus', "\t<errorstatus>",
        element(2, error => $shown // $number), element(2, remark => $REMARK[$number]),
        "\t</errorstatus>");
}

# ---------------------------------------------------------------- credentials

# '' when the caller is who he says, else the text that the manual gives.
# CHOICE: with signatures in the place of passwords, "empty" is an empty or
# missing userid or sign; an empty or malformed timestamp only makes the
# signature wrong.
# CHOICE: the age of the timestamp is not looked at, and it may be used again.
sub missing_credentials {
    my ($p) = @_;
    return $p->{userid} eq '' || $p->{sign} eq '';
}

sub wrong_credentials {
    my ($p, $any_case) = @_;
    return 1 if $p->{userid} ne $USERID || $p->{timestamp} !~ /\A[0-9]{14}\z/;
    my $sign = $any_case ? lc $p->{sign} : $p->{sign};
    return $sign ne md5_hex($ACCOUNT . $PASSWORD . encode_utf8($p->{timestamp}));
}

sub refused_credentials {
    my ($p, $any_case) = @_;
    return $REMARK[1] if missing_credentials($p);
    return $REMARK[2] if wrong_credentials($p, $any_case);
    return '';
}

# ---------------------------------------------------------------- times

# CHOICE: all times are the server's local time.
sub stamp { return strftime('%Y-%m-%d %H:%M:%S', localtime $_[0]) }

# Seconds since the epoch, or undef when the text is no 2010-10-24 09:08:10.
sub parse_time {
    my ($text) = @_;
    my ($y, $mo, $d, $h, $mi, $s) =
        $text =~ /\A([0-9]{4})-([0-9]{2})-([0-9]{2}) ([0-9]{2}):([0-9]{2}):([0-9]{2})\z/
        or return undef;
    return eval { timelocal($s, $mi, $h, $d, $mo - 1, $y) };
}

# ---------------------------------------------------------------- chapter 1

# CHOICE: what counts as SQL injection: a quote, semicolon or comment sign with
# an SQL verb behind it, UNION SELECT, or xp_cmdshell. A lone apostrophe is fine.
sub sql_injection {
    my ($text) = @_;
    return $text =~ /(?:'|;|--)\s*(?:or|and|select|insert|update|delete|drop|exec|truncate|union)\b/i
        || $text =~ /\bunion\s+(?:all\s+)?select\b/i
        || $text =~ /\bxp_cmdshell\b/i;
}

sub has_forbidden { return length $FORBIDDEN && index($_[0], $FORBIDDEN) >= 0 }

# CHOICE: a long text costs one point for each begun 70 characters and number.
sub parts { my ($text) = @_; return int((length($text) + 69) / 70) }

# CHOICE: a caller who is not known gets empty elements; a caller who is known
# gets the true balance, an empty taskID and 0 as successCounts.
sub refuse_send {
    my ($page, $message, $known) = @_;
    return flat($page, 'send',
        returnstatus  => 'Faild',
        message       => $message,
        remainpoint   => $known ? $balance : '',
        taskID        => '',
        successCounts => $known ? 0 : '');
}

# CHOICE: the order of checks: credentials, numbers, text, SQL, then the form of
# numbers, sendTime, extno and text, the forbidden word, and last the balance.
sub send_sms {
    my ($page, $p) = @_;

    my $refusal = refused_credentials($p, broken(1));
    return refuse_send($page, $refusal, 0) if $refusal;

    # CHOICE: white space about a number and empty places between commas are
    # skipped, and a number that stands twice in one request is sent to once.
    my %seen;
    my @mobiles = grep { length && !$seen{$_}++ }
                  map  { s/\A\s+|\s+\z//gr } split /,/, $p->{mobile};
    return refuse_send($page, '短信号码不能为空', 1) if !@mobiles;

    # CHOICE: a text of nothing but white space is an empty one.
    my $content = $p->{content};
    return refuse_send($page, '短信内容不能为空', 1) if $content !~ /\S/;
    return refuse_send($page, '发送内容包含sql注入字符', 1) if sql_injection($content);

    # CHOICE: a number, sendTime or extno of the wrong form is "包含非法字符：" with
    # the offending value behind the colon, a text that is not in the page's
    # charset the same with the word content. 其他错误 is never given.
    my $illegal = '包含非法字符：';
    for my $mobile (@mobiles) {
        return refuse_send($page, $illegal . $mobile, 1) if $mobile !~ /\A[0-9]+\z/;
    }

    # CHOICE: a sendTime that has passed is sent at once.
    my $when = time;
    if ($p->{sendTime} ne '') {
        my $later = parse_time($p->{sendTime});
        return refuse_send($page, $illegal . $p->{sendTime}, 1) if !defined $later;
        $when = $later if $later > $when && !broken(4);
    }

    my $longest = broken(2) ? 11 : 10;
    return refuse_send($page, $illegal . $p->{extno}, 1)
        if $p->{extno} !~ /\A[0-9]{0,$longest}\z/;

    return refuse_send($page, $illegal . 'content', 1)
        if $p->{undecodable}{content} && !broken(6);

    # CHOICE: the forbidden word itself stands behind the full-width colon.
    return refuse_send($page, $illegal . $FORBIDDEN, 1) if has_forbidden($content);

    # CHOICE: all or nothing, and an amount equal to the balance may be sent.
    my $each = parts($content);
    if ($each * @mobiles > $balance) {
        my $affordable = int($balance / $each);
        return refuse_send($page, '对不起，您当前要发送的量大于您当前余额', 1)
            if !broken(5) || $affordable < 1;
        splice @mobiles, $affordable;
    }

    # CHOICE: a timed message is paid for when it is handed in.
    my $before = $balance;
    $balance -= $each * @mobiles;

    my $task = ++$last_task;
    queue_message($_, $task, $when, $p->{extno}, $content, \@mobiles) for 0 .. $#mobiles;

    # CHOICE: successCounts counts numbers, not the parts of long texts.
    return flat($page, 'send',
        returnstatus  => 'Success',
        message       => 'ok',
        remainpoint   => broken(3) ? $before : $balance,
        taskID        => task_id($task),
        successCounts => scalar @mobiles);
}

# CHOICE: task numbers count from 1 and are padded to 12 digits with zeros.
sub task_id { return sprintf '%012d', $_[0] }

# Puts the report, and for a number that ends in 7 the reply, into the queues.
sub queue_message {
    my ($i, $task, $when, $extno, $content, $mobiles) = @_;
    my $mobile = $mobiles->[$i];
    my $due    = $when + $DELAY;

    # CHOICE: what is no Chinese mobile number fails, and so does one that ends
    # in 0000; the gateway's word for it is UNDELIV.
    my $fails = $mobile !~ /\A1[0-9]{10}\z/ || $mobile =~ /0000\z/;

    # CHOICE: receivetime is the moment from which the report can be fetched.
    my $report = {
        due         => $due,
        mobile      => $mobile,
        taskid      => task_id(broken(17) ? $task + $i : $task),
        status      => $fails ? 20 : 10,
        receivetime => stamp($due),
        errorcode   => $fails ? 'UNDELIV' : 'DELIVRD',
        extno       => $extno,
    };
    push @reports, $report;

    return if $mobile !~ /7\z/;
    # CHOICE: the reply quotes the first ten characters of what was sent.
    push @replies, {
        due         => $due,
        mobile      => $mobile,
        taskid      => task_id($task),
        content     => '收到：' . substr($content, 0, 10),
        receivetime => stamp($due),
        extno       => broken(20) ? $extno =~ s/\A0+(?=.)//r : $extno,
        report      => $report,
    };
    return;
}

# ---------------------------------------------------------------- chapter 2

sub overage {
    my ($page, $p) = @_;
    my $refusal = refused_credentials($p);
    # CHOICE: a refusal keeps all elements and leaves the three values empty.
    return flat($page, 'overage', returnstatus => 'Faild', message => $refusal,
        payinfo => '', overage => '', sendTotal => '') if $refusal;

    my @payinfo = (payinfo => '预付费');
    my @overage = (overage => $balance);
    return flat($page, 'overage',
        returnstatus => broken(7) ? 'Success' : 'Sucess',
        message      => '',
        (broken(9) ? (@overage, @payinfo) : (@payinfo, @overage)),
        sendTotal    => broken(8) ? $balance : $RECHARGED);
}

# ---------------------------------------------------------------- chapter 3

# CHOICE: an empty text contains no forbidden word.
sub checkkeyword {
    my ($page, $p) = @_;
    my $refusal = refused_credentials($p);
    $refusal = $REMARK[2] if broken(12) && $refusal eq $REMARK[1];
    $refusal = ''         if broken(11) && $refusal eq $REMARK[2];
    return flat($page, 'checkkeyword', message => $refusal) if $refusal;

    my $found = has_forbidden($p->{content});
    $found = index($p->{content}, $FORBIDDEN) > 0 if $found && broken(10);
    # CHOICE: no colon and no word here, since this chapter's table has none.
    return flat($page, 'checkkeyword', message => $found ? '包含非法字符' : '没有包含屏蔽词');
}

# ---------------------------------------------------------------- chapter 4

# CHOICE: credentials come before the other parameters; an action other than
# query is 参数不正确. Error 3 is never given, the one user may see all.
sub statuses {
    my ($page, $p) = @_;
    return errorstatus($page, 1) if missing_credentials($p);
    return errorstatus($page, 2) if wrong_credentials($p);
    return errorstatus($page, 4) if $p->{action} ne 'query';

    # CHOICE: statusNum has no upper bound, and 0 fetches nothing.
    my $limit = $p->{statusNum} eq '' ? (broken(14) ? 5000 : 4000) : $p->{statusNum};
    return errorstatus($page, 4, broken(16) ? 3 : 4) if $limit !~ /\A[0-9]+\z/;
    $limit = 4000 if broken(13);

    # CHOICE: oldest first, in the order of sending; a root without boxes when
    # there is nothing to fetch.
    my (@given, @kept);
    my ($now, $more) = (time, 0);
    for my $report (@reports) {
        if    ($report->{due} > $now) { push @kept, $report }
        elsif (@given >= $limit)      { push @kept, $report; $more = 1 }
        else                          { push @given, $report }
    }
    if (broken(15) && $more && @given && !$given[-1]{again}++) {
        unshift @kept, $given[-1];
    }
    @reports = @kept;
    $_->{fetched} = 1 for @given;
    return boxes($page, 'statusbox',
        [qw(mobile taskid status receivetime errorcode extno)], @given);
}

# ---------------------------------------------------------------- chapter 5

# CHOICE: all replies that there are come in one answer.
sub replies {
    my ($page, $p) = @_;
    return errorstatus($page, 1) if missing_credentials($p);
    return errorstatus($page, 2, broken(19) ? 1 : 2) if wrong_credentials($p);
    return errorstatus($page, 4) if $p->{action} ne 'query';

    my $now   = time;
    my @given = grep { $_->{due} <= $now } @replies;
    @replies  = grep { $_->{due} > $now
                       || broken(18) && !$_->{report}{fetched} } @replies;
    return boxes($page, 'callbox', [qw(mobile taskid content receivetime extno)], @given);
}

# ---------------------------------------------------------------- pages

my %sms_action = (send => \&send_sms, overage => \&overage, checkkeyword => \&checkkeyword);

# CHOICE: the GBK page answers in GBK too, and names it gb2312 as the manual
# does, in the declaration and in the Content-Type.
# CHOICE: paths and parameter names are case-sensitive.
my %utf8 = (codec => 'UTF-8',  label => 'utf-8');
my %gbk  = (codec => 'cp936',  label => 'gb2312');
my %page = (
    '/v2sms.aspx'       => { %utf8, actions => \%sms_action },
    '/v2smsGBK.aspx'    => { %gbk,  actions => \%sms_action },
    '/v2statusApi.aspx' => { %utf8, only => \&statuses },
    '/v2callApi.aspx'   => { %utf8, only => \&replies },
);

my @PARAMETERS = qw(userid timestamp sign mobile content sendTime action extno statusNum);

# CHOICE: parameters are read from the body alone; of a name given twice the
# last counts; names may carry white space ("sign =" in the manual's examples);
# bytes that are not in the page's charset become U+FFFD.
sub parameters {
    my ($page, $body) = @_;
    my $codec = broken(6) ? 'UTF-8' : $page->{codec};
    my %p = map { $_ => '' } @PARAMETERS;
    for my $pair (split /&/, $body) {
        my ($name, $value) = map { tr/+/ /r =~ s/%([0-9A-Fa-f]{2})/chr hex $1/ger }
                             split /=/, $pair, 2;
        next if !defined $name;
        $name =~ s/\A\s+|\s+\z//g;
        $value //= '';
        my $copy = $value;
        $p{undecodable}{$name} = 1
            if !defined eval { decode($codec, $copy, Encode::FB_CROAK) };
        $p{$name} = decode($codec, $value) if $name ne 'undecodable';
    }
    return \%p;
}

# Gives (HTTP status, content type, bytes).
sub answer {
    my ($method, $target, $body) = @_;
    my $plain = 'text/plain; charset=utf-8';
    my ($path) = split /\?/, $target, 2;
    my $page = $page{$path // ''}
        or return ('404 Not Found', $plain, "no such page\r\n");
    # CHOICE: the manual speaks of POST, so anything else is a 405.
    return ('405 Method Not Allowed', $plain, "POST only\r\n") if $method ne 'POST';

    my $p    = parameters($page, $body);
    my $code = $page->{only} || $page->{actions}{ $p->{action} };
    # CHOICE: an unknown action fits no table, so it is a plain 400.
    return ('400 Bad Request', $plain, "unknown action\r\n") if !$code;

    # CHOICE: refusals are HTTP 200. A character that GBK lacks becomes &#x...;.
    my $xml = $code->($page, $p);
    return ('200 OK', "text/xml; charset=$page->{label}",
            encode($page->{codec}, $xml, Encode::FB_XMLCREF));
}

# CHOICE: every connection is closed after its answer.
sub http {
    my ($status, $type, $bytes) = @_;
    my $allow = $status =~ /\A405/ ? "Allow: POST\r\n" : '';
    return "HTTP/1.1 $status\r\n"
         . 'Date: ' . strftime('%a, %d %b %Y %H:%M:%S GMT', gmtime) . "\r\n"
         . "Server: v2sms-perl/1.0\r\n"
         . "Cache-Control: no-store\r\n"
         . $allow
         . "Content-Type: $type\r\n"
         . 'Content-Length: ' . length($bytes) . "\r\n"
         . "Connection: close\r\n\r\n"
         . $bytes;
}

# ---------------------------------------------------------------- the loop

# CHOICE: a body must come with a Content-Length and be at most 16 MB.
my $LARGEST = 16 * 1024 * 1024;

# The whole answer once the request is complete, else undef.
sub try_request {
    my ($c) = @_;
    if (!$c->{head}) {
        my $end = index $c->{in}, "\r\n\r\n";
        if ($end < 0) {
            return length $c->{in} > 65536
                ? http('431 Request Header Fields Too Large', 'text/plain', '') : undef;
        }
        my $head = substr $c->{in}, 0, $end;
        substr($c->{in}, 0, $end + 4) = '';
        my ($first, @lines) = split /\r\n/, $head;
        $c->{head} = 1;
        my %h = map { /\A([^:\s]+)\s*:\s*(.*?)\s*\z/ ? (lc $1, $2) : () } @lines;
        ($c->{method}, $c->{target}) = ($first // '') =~ m{\A([A-Z]+) (\S+) HTTP/1\.[01]\z}
            or return http('400 Bad Request', 'text/plain', '');
        return http('411 Length Required', 'text/plain', '') if $h{'transfer-encoding'};
        $c->{length} = $h{'content-length'} // 0;
        return http('400 Bad Request', 'text/plain', '') if $c->{length} !~ /\A[0-9]+\z/;
        return http('413 Payload Too Large', 'text/plain', '') if $c->{length} > $LARGEST;
        $c->{out} .= "HTTP/1.1 100 Continue\r\n\r\n"
            if lc($h{expect} // '') eq '100-continue';
    }
    return undef if length $c->{in} < $c->{length};
    return http(answer($c->{method}, $c->{target}, substr $c->{in}, 0, $c->{length}));
}

my $server = IO::Socket::INET->new(
    LocalAddr => '127.0.0.1', LocalPort => $PORT, Proto => 'tcp',
    Listen => 128, ReuseAddr => 1, Blocking => 0,
) or die "cannot listen on 127.0.0.1:$PORT: $@\n";

my $readers = IO::Select->new($server);
my $writers = IO::Select->new;
my %client;                                  # by file number

sub hang_up {
    my ($socket) = @_;
    $readers->remove($socket);
    $writers->remove($socket);
    delete $client{ fileno $socket };
    close $socket;
    return;
}

sub transient { return $! == EAGAIN || $! == EWOULDBLOCK || $! == EINTR }

sub readable {
    my ($socket) = @_;
    my $c   = $client{ fileno $socket } or return;
    my $got = sysread $socket, my $bytes, 65536;
    return if !defined $got && transient();
    return hang_up($socket) if !$got;
    return if $c->{done};                    # nothing is read behind the request
    $c->{in} .= $bytes;
    my $reply = try_request($c);
    if (defined $reply) { $c->{out} .= $reply; $c->{done} = 1 }
    $writers->add($socket) if length $c->{out};
    return;
}

sub writable {
    my ($socket) = @_;
    my $c    = $client{ fileno $socket } or return;
    my $sent = syswrite $socket, $c->{out};
    return if !defined $sent && transient();
    return hang_up($socket) if !defined $sent;
    substr($c->{out}, 0, $sent) = '';
    return if length $c->{out};
    $writers->remove($socket);
    hang_up($socket) if $c->{done};
    return;
}

print "listening\n";

while (1) {
    my ($r, $w) = IO::Select->select($readers, $writers, undef, undef);
    for my $socket (@{ $r || [] }) {
        if ($socket != $server) { readable($socket); next }
        while (my $new = $server->accept) {
            $new->blocking(0);
            $readers->add($new);
            $client{ fileno $new } = { in => '', out => '', head => 0, done => 0 };
        }
    }
    for my $socket (@{ $w || [] }) {
        writable($socket) if defined fileno $socket;
    }
}
