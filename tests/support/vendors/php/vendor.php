<?php
declare(strict_types=1);
// The vendor of the manual 客户接口说明, as a router script for `php -S` (see start.sh).
// "CHOICE" marks what the manual leaves open; "BREAK n" marks a deliberate deviation (breaks.json).

// CHOICE: all times (sendTime, receivetime) are Beijing time.
date_default_timezone_set('Asia/Shanghai');

function env(string $name, string $default): string
{
    $v = getenv($name);
    return $v === false ? $default : $v;
}

define('USERID', env('USERID', '12'));
define('ACCOUNT', env('ACCOUNT', 'test'));
define('PASSWORD', env('PASSWORD', 'mima'));
define('BALANCE', (int) env('BALANCE', '100000'));
define('FORBIDDEN', env('FORBIDDEN', '发票'));
define('DELAY', (float) env('DELAY', '1'));
define('BRK', (int) env('BREAK', ''));
define('STATE', env('STATE', sys_get_temp_dir()));

const EMPTY_LOGIN = '用户名或密码不能为空';
const WRONG_LOGIN = '用户名或密码错误';

// ---------------------------------------------------------------- state

/** Runs $work on the state while holding an exclusive lock; what it leaves in $state is saved. */
function with_state(callable $work): mixed
{
    $f = fopen(STATE . '/state', 'c+');
    flock($f, LOCK_EX);
    try {
        $raw = stream_get_contents($f);
        $state = $raw === '' ? fresh_state() : unserialize($raw);
        $result = $work($state);
        $new = serialize($state);
        if ($new !== $raw) {
            rewind($f);
            ftruncate($f, 0);
            fwrite($f, $new);
            fflush($f);
        }
        return $result;
    } finally {
        flock($f, LOCK_UN);
        fclose($f);
    }
}

function fresh_state(): array
{
    return [
        'balance' => BALANCE,
        // CHOICE: task numbers are date (yymmdd) followed by a 7-digit running number: 13 digits, more than 32 bits.
        'task' => (int) (date('ymd') . '0000000'),
        'reports' => [],
        'replies' => [],
    ];
}

// ---------------------------------------------------------------- XML

/**
 * CHOICE: the layout is XMLWriter's default: declaration, line feed, the whole document on one line without
 * indentation, a final line feed; empty elements close themselves. (Written by hand: the extension is not
 * compiled into every PHP.) No CDATA. Quotes, apostrophes, line breaks and characters beyond the BMP
 * are numeric entities.
 * CHOICE: answers of the GBK page are pure ASCII, every Chinese character as a numeric entity, so that
 * they read the same as utf-8 (the manual's declaration) and as GB2312.
 */
function escape(string $s, bool $ascii): string
{
    $s = preg_replace('/[^\x09\x0A\x0D\x20-\x{D7FF}\x{E000}-\x{FFFD}\x{10000}-\x{10FFFF}]/u', '', $s) ?? '';
    $s = strtr($s, ['&' => '&amp;', '<' => '&lt;', '>' => '&gt;', '"' => '&#34;', "'" => '&#39;',
        "\r" => '&#13;', "\n" => '&#10;', "\t" => '&#9;']);
    return preg_replace_callback(
        $ascii ? '/[^\x00-\x7F]/u' : '/[\x{10000}-\x{10FFFF}]/u',
        fn($m) => '&#x' . strtoupper(ltrim(bin2hex(iconv('UTF-8', 'UCS-4BE', $m[0])), '0')) . ';',
        $s
    );
}

/** $children: list of [name, text] or [name, list of children]. */
function element(string $name, string|array $body, bool $ascii): string
{
    $inner = is_array($body)
        ? implode('', array_map(fn($c) => element($c[0], $c[1], $ascii), $body))
        : escape($body, $ascii);
    return $inner === '' ? "<$name/>" : "<$name>$inner</$name>";
}

/** CHOICE: every answer of an interface, refusals too, is HTTP 200 with text/xml; the GBK page's header says GB2312. */
function answer(array $children, bool $gbk): never
{
    $xml = '<?xml version="1.0" encoding="utf-8"?>' . "\n" . element('returnsms', $children, $gbk) . "\n";
    header('Content-Type: text/xml; charset=' . ($gbk ? 'GB2312' : 'utf-8'));
    header('Content-Length: ' . strlen($xml));
    header('Cache-Control: no-store');
    header('X-Powered-By: PHP');
    echo $xml;
    exit;
}

/** CHOICE: what is no interface at all is answered in plain text with an HTTP error. */
function http_refuse(int $code, string $text): never
{
    http_response_code($code);
    header('Content-Type: text/plain; charset=utf-8');
    if ($code === 405) {
        header('Allow: POST');
    }
    echo $text, "\n";
    exit;
}

// ---------------------------------------------------------------- parameters and login

/** CHOICE: parameters are read from the form in the body only, never from the query string; a list (a[]=) counts as absent. */
function param(string $name): string
{
    $v = $_POST[$name] ?? '';
    return is_string($v) ? $v : '';
}

/**
 * Returns '' or one of the two refusals.
 * CHOICE: "empty" is an empty userid, timestamp or sign. The timestamp must be 14 digits that make a date
 * (else 用户名或密码错误); its distance from the present is not checked.
 */
function login(string $action): string
{
    if (trim(param('userid')) === '' || param('timestamp') === '' || param('sign') === '') {
        return EMPTY_LOGIN;
    }
    // BREAK 13: checkkeyword does not check the signature.
    if (BRK === 13 && $action === 'checkkeyword') {
        return '';
    }
    $sign = param('sign');
    // BREAK 1: send takes a sign in upper case as well.
    if (BRK === 1 && $action === 'send' && $sign === strtoupper($sign)) {
        $sign = strtolower($sign);
    }
    $right = trim(param('userid')) === USERID
        && is_date('YmdHis', param('timestamp'))
        && hash_equals(md5(ACCOUNT . PASSWORD . param('timestamp')), $sign);
    return $right ? '' : WRONG_LOGIN;
}

function is_date(string $format, string $text): bool
{
    $d = DateTime::createFromFormat('!' . $format, $text);
    return $d !== false && $d->format($format) === $text;
}

/** The content as UTF-8, or null when it is not in the page's encoding. */
function content(bool $gbk): ?string
{
    $raw = param('content');
    // BREAK 6: on the GBK page send reads the content as UTF-8 (what is not UTF-8 loses its non-ASCII bytes).
    if (BRK === 6 && $gbk && param('action') === 'send') {
        return preg_match('//u', $raw) ? $raw : preg_replace('/[\x80-\xFF]+/', '?', $raw);
    }
    $text = @iconv($gbk ? 'GBK' : 'UTF-8', 'UTF-8', $raw);
    return $text === false ? null : $text;
}

/** CHOICE: the word counts wherever it stands, compared exactly. */
function has_forbidden(string $text): bool
{
    return FORBIDDEN !== '' && str_contains($text, FORBIDDEN);
}

/** CHOICE: which texts are SQL injection: whole phrases only, so that ordinary apostrophes and words pass. */
function has_sql(string $text): bool
{
    return preg_match(
        "/'\\s*(or|and)\\s+\\S+\\s*=|'\\s*;|'\\s*--|;\\s*(drop|delete|update|insert|exec)\\s|union\\s+(all\\s+)?select\\s|"
        . "insert\\s+into\\s|delete\\s+from\\s|drop\\s+table\\s|select\\s.+\\sfrom\\s|xp_cmdshell|exec\\s*\\(/i",
        $text
    ) === 1;
}

/** CHOICE: up to 70 characters (UTF-16 units) are one point, longer texts one point for each 67. */
function parts(string $text): int
{
    $n = intdiv(strlen((string) iconv('UTF-8', 'UTF-16BE', $text)), 2);
    return $n <= 70 ? 1 : (int) ceil($n / 67);
}

// ---------------------------------------------------------------- chapter 1: send

/**
 * CHOICE: in a refusal taskID and successCounts are empty; remainpoint is the real balance once the login was
 * right, and 0 before.
 */
function send_answer(string $status, string $message, string $remain, string $task, string $count, bool $gbk): never
{
    answer([
        ['returnstatus', $status],
        ['message', $message],
        ['remainpoint', $remain],
        ['taskID', $task],
        ['successCounts', $count],
    ], $gbk);
}

function send(bool $gbk): never
{
    $login = login('send');
    if ($login !== '') {
        send_answer('Faild', $login, '0', '', '', $gbk);
    }
    [$status, $message, $remain, $task, $count] = with_state(function (array &$s) use ($gbk): array {
        $refuse = fn(string $why) => ['Faild', $why, (string) $s['balance'], '', ''];
        $text = content($gbk);
        $extno = trim(param('extno'));
        $sendTime = trim(param('sendTime'));

        // CHOICE: order of checks: login, content, numbers, format of the others, forbidden word, SQL, balance.
        if ($text === null) {
            return $refuse('其他错误'); // CHOICE: a content that is not in the page's encoding
        }
        if (trim($text) === '') {
            return $refuse('短信内容不能为空'); // CHOICE: white space alone is empty
        }
        // CHOICE: numbers are 11 digits beginning with 1; others are left out (neither counted nor charged),
        // and a number given twice is sent once. When none is left the answer is 短信号码不能为空.
        $mobiles = array_map('trim', explode(',', param('mobile')));
        $mobiles = array_values(array_unique(preg_grep('/^1\d{10}$/D', $mobiles)));
        if ($mobiles === []) {
            return $refuse('短信号码不能为空');
        }
        // CHOICE: an extno or a sendTime against the rules refuses the whole send with 其他错误.
        $longest = BRK === 2 ? 11 : 10; // BREAK 2: 11 digits are accepted
        if ($extno !== '' && (!ctype_digit($extno) || strlen($extno) > $longest)) {
            return $refuse('其他错误');
        }
        if ($sendTime !== '' && !is_date('Y-m-d H:i:s', $sendTime)) {
            return $refuse('其他错误');
        }
        // CHOICE: the word found follows the colon.
        if (has_forbidden($text)) {
            return $refuse('包含非法字符：' . FORBIDDEN);
        }
        if (has_sql($text)) {
            return $refuse('发送内容包含sql注入字符');
        }
        // CHOICE: all or nothing: when the balance is too small for all numbers, none is sent.
        $points = count($mobiles) * parts($text);
        $short = BRK === 5 ? $points >= $s['balance'] : $points > $s['balance']; // BREAK 5: also refused when equal
        if ($short) {
            return $refuse('对不起，您当前要发送的量大于您当前余额');
        }

        $before = $s['balance'];
        $s['balance'] -= $points; // CHOICE: scheduled messages are charged at once; failed ones are not refunded
        $task = ++$s['task'];
        $start = microtime(true);
        // CHOICE: a sendTime in the past is sent at once.
        if ($sendTime !== '' && BRK !== 3) { // BREAK 3: sendTime is ignored
            $start = max($start, (float) strtotime($sendTime));
        }
        $due = $start + DELAY;
        foreach ($mobiles as $i => $mobile) {
            // CHOICE: numbers ending in 4 fail with UNDELIV, all others arrive with DELIVRD.
            $ok = !str_ends_with($mobile, '4');
            $s['reports'][] = [
                'due' => $due,
                'mobile' => $mobile,
                'task' => BRK === 17 ? $task + $i : $task, // BREAK 17: every number has a task of its own
                'status' => $ok ? '10' : '20',
                'code' => $ok ? 'DELIVRD' : 'UNDELIV',
                'extno' => $extno,
            ];
            if (str_ends_with($mobile, '7')) {
                $s['replies'][] = [
                    'due' => $due,
                    'mobile' => $mobile,
                    'task' => $task,
                    // CHOICE: text of the reply, with characters that need care in XML.
                    'content' => '收到，"谢谢" & 再见 <3 👍',
                    'extno' => $extno,
                ];
            }
        }
        // BREAK 4: remainpoint is the balance before this send.
        $remain = BRK === 4 ? $before : $s['balance'];
        // CHOICE: successCounts counts numbers, not parts of long texts.
        return ['Success', 'ok', (string) $remain, (string) $task, (string) count($mobiles)];
    });
    send_answer($status, $message, $remain, $task, $count, $gbk);
}

// ---------------------------------------------------------------- chapter 2: overage

function overage(bool $gbk): never
{
    $login = login('overage');
    // CHOICE: in a refusal payinfo, overage and sendTotal are empty.
    if ($login !== '') {
        answer([['returnstatus', 'Faild'], ['message', $login], ['payinfo', ''], ['overage', ''], ['sendTotal', '']], $gbk);
    }
    $balance = with_state(fn(array &$s) => $s['balance']);
    answer([
        ['returnstatus', BRK === 7 ? 'Success' : 'Sucess'], // BREAK 7: Success as elsewhere
        ['message', BRK === 8 ? 'ok' : ''], // BREAK 8: ok instead of nothing
        ['payinfo', '预付费'],
        ['overage', (string) $balance],
        ['sendTotal', (string) (BRK === 9 ? $balance : BALANCE)], // BREAK 9: shrinks with every send
    ], $gbk);
}

// ---------------------------------------------------------------- chapter 3: checkkeyword

function checkkeyword(bool $gbk): never
{
    $message = login('checkkeyword');
    if ($message === '') {
        // CHOICE: an empty content, or one in the wrong encoding, contains no forbidden word.
        $text = content($gbk) ?? '';
        // BREAK 12: only a word at the very beginning is found.
        $found = BRK === 12 ? FORBIDDEN !== '' && str_starts_with($text, FORBIDDEN) : has_forbidden($text);
        $message = $found ? '包含非法字符' : '没有包含屏蔽词';
        // BREAK 11: colon and word as in chapter 1.
        if (BRK === 11 && $found) {
            $message = '包含非法字符：' . FORBIDDEN;
        }
    }
    answer([['message', $message]], $gbk);
}

// ---------------------------------------------------------------- chapters 4 and 5: reports and replies

function query_refuse(string $error, string $remark): never
{
    answer([['errorstatus', [['error', $error], ['remark', $remark]]]], false);
}

/** CHOICE: order of checks: login empty, action, login wrong. Error 3 does not occur: the account may see its reports. */
function query_login(bool $reports): void
{
    $login = login('query');
    if ($login === EMPTY_LOGIN) {
        query_refuse('1', $login);
    }
    if (param('action') !== 'query') {
        query_refuse('4', '参数不正确');
    }
    if ($login === WRONG_LOGIN) {
        // BREAK 18: the report page numbers this error 1.
        query_refuse(BRK === 18 && $reports ? '1' : '2', $login);
    }
}

/**
 * Takes at most $max entries that are due, oldest first, out of $list.
 * $again: the BREAK under which the last entry taken stays for one more fetch.
 */
function take(array &$list, int $max, callable $again): array
{
    $now = microtime(true);
    $due = array_filter($list, fn($e) => $e['due'] <= $now);
    uasort($due, fn($a, $b) => $a['due'] <=> $b['due']);
    $taken = array_slice($due, 0, $max, true);
    $last = array_key_last($taken);
    foreach ($taken as $k => $e) {
        if ($k === $last && !isset($e['again']) && $again(count($taken), count($due))) {
            $list[$k]['again'] = true;
        } else {
            unset($list[$k]);
        }
    }
    return array_values($taken);
}

/** CHOICE: no reports to fetch is an empty <returnsms/>. Same for replies. */
function reports(): never
{
    query_login(true);
    $num = trim(param('statusNum'));
    // CHOICE: digits only, so that signs and fractions are refused with 4; 0 fetches nothing; no upper bound.
    if ($num !== '' && !ctype_digit($num)) {
        query_refuse('4', '参数不正确');
    }
    $default = BRK === 15 ? 5000 : 4000; // BREAK 15: another default
    $max = $num === '' || BRK === 14 ? $default : (int) $num; // BREAK 14: statusNum is ignored
    // BREAK 16: when statusNum cut the list short, its last report comes once more with the next fetch.
    $taken = with_state(fn(array &$s) => take($s['reports'], $max, fn($n, $all) => BRK === 16 && $n < $all));
    answer(array_map(fn($r) => ['statusbox', [
        ['mobile', $r['mobile']],
        ['taskid', (string) $r['task']],
        ['status', $r['status']],
        ['receivetime', date('Y-m-d H:i:s', (int) $r['due'])],
        ['errorcode', $r['code']],
        ['extno', $r['extno']],
    ]], $taken), false);
}

/** CHOICE: all replies that are there come in one answer. */
function replies(): never
{
    query_login(false);
    [$taken, $newest] = with_state(fn(array &$s) => [
        // BREAK 19: of two or more replies fetched together, the last comes once more with the next fetch.
        take($s['replies'], PHP_INT_MAX, fn($n, $all) => BRK === 19 && $n > 1),
        $s['task'],
    ]);
    answer(array_map(fn($r) => ['callbox', [
        ['mobile', $r['mobile']],
        // BREAK 10: every reply carries the newest task, not the one it answers.
        ['taskid', (string) (BRK === 10 ? $newest : $r['task'])],
        ['content', $r['content']],
        ['receivetime', date('Y-m-d H:i:s', (int) $r['due'])],
        // BREAK 20: the extno has passed through a number and lost its leading zeros.
        ['extno', BRK === 20 && $r['extno'] !== '' ? (string) (int) $r['extno'] : $r['extno']],
    ]], $taken), false);
}

// ---------------------------------------------------------------- addresses

/** CHOICE: addresses in any case, as IIS takes them; other addresses 404, other methods than POST 405. */
$path = strtolower((string) parse_url($_SERVER['REQUEST_URI'], PHP_URL_PATH));
if (!in_array($path, ['/v2sms.aspx', '/v2smsgbk.aspx', '/v2statusapi.aspx', '/v2callapi.aspx'], true)) {
    http_refuse(404, 'Not Found');
}
if ($_SERVER['REQUEST_METHOD'] !== 'POST') {
    http_refuse(405, 'Method Not Allowed');
}
$gbk = $path === '/v2smsgbk.aspx';
match ($path) {
    '/v2statusapi.aspx' => reports(),
    '/v2callapi.aspx' => replies(),
    default => match (param('action')) {
        'send' => send($gbk),
        'overage' => overage($gbk),
        'checkkeyword' => checkkeyword($gbk),
        // CHOICE: an unknown action is refused in the form of send, with 其他错误.
        default => send_answer('Faild', '其他错误', '0', '', '', $gbk),
    },
};
