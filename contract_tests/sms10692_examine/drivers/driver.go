// Driver of sms10692-examine in Go 1.18 or later, standard library only.
//
//	go build -o driver driver.go && sms10692-examine run -- ./driver
//
// Replace the client by calls of your own, and keep the driver below it.
package main

import (
	"crypto/md5"
	"encoding/hex"
	"encoding/json"
	"encoding/xml"
	"errors"
	"io"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"
)

// ---- The client: replace this part by your own.

// SmsRefused is the message of the vendor, which refused the request.
type SmsRefused string

func (err SmsRefused) Error() string { return string(err) }

// SmsUnknown tells why nobody knows what the vendor did, so that nothing is repeated: no answer, or an unreadable one.
type SmsUnknown string

func (err SmsUnknown) Error() string { return string(err) }

var china = time.FixedZone("China", 8*3600)

type SmsClient struct {
	Settings
	http http.Client
}

type returnSms struct {
	XMLName       xml.Name `xml:"returnsms"`
	ReturnStatus  string   `xml:"returnstatus"`
	Message       string   `xml:"message"`
	TaskID        string   `xml:"taskID"`
	SuccessCounts int      `xml:"successCounts"`
	RemainPoint   int      `xml:"remainpoint"`
	Overage       int      `xml:"overage"`
	PayInfo       string   `xml:"payinfo"`
	Error         *struct {
		Remark string `xml:"remark"`
	} `xml:"errorstatus"`
	Reports []Item `xml:"statusbox"`
	Replies []Item `xml:"callbox"`
}

type Item struct {
	Mobile      string `xml:"mobile"`
	TaskID      string `xml:"taskid"`
	Status      string `xml:"status"`
	Content     string `xml:"content"`
	ReceiveTime string `xml:"receivetime"`
	ErrorCode   string `xml:"errorcode"`
	Extno       string `xml:"extno"`
}

func NewSmsClient(settings Settings) *SmsClient {
	return &SmsClient{settings, http.Client{
		Timeout:       time.Duration(settings.Timeout * float64(time.Second)), // for the whole request and response
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

func (client *SmsClient) Send(mobiles []string, content string, sendTime *time.Time, extno string) (*returnSms, error) {
	seen, numbers, text := map[string]bool{}, []string{}, ""
	for _, mobile := range mobiles {
		if !seen[mobile] { // a number given twice would be charged twice
			numbers = append(numbers, mobile)
		}
		seen[mobile] = true
	}
	if sendTime != nil {
		text = sendTime.In(china).Format("2006-01-02 15:04:05")
	}
	answer, err := client.post("sms.aspx", url.Values{
		"action": {"send"}, "mobile": {strings.Join(numbers, ",")}, "content": {content}, "sendTime": {text}, "extno": {extno},
	})
	if err == nil && answer.ReturnStatus != "Success" {
		err = SmsRefused(answer.Message)
	}
	return answer, err
}

func (client *SmsClient) Overage() (*returnSms, error) {
	answer, err := client.post("sms.aspx", url.Values{"action": {"overage"}})
	if err == nil && answer.ReturnStatus != "Sucess" { // the spelling of the vendor
		err = SmsRefused(answer.Message)
	}
	return answer, err
}

func (client *SmsClient) IsForbidden(content string) (bool, error) {
	answer, err := client.post("sms.aspx", url.Values{"action": {"checkkeyword"}, "content": {content}})
	if err != nil || answer.Message == "没有包含屏蔽词" || strings.HasPrefix(answer.Message, "包含") {
		return err == nil && answer.Message != "没有包含屏蔽词", err
	}
	return false, SmsRefused(answer.Message)
}

// Fetch fetches items of the queue status or call; the vendor then forgets them.
func (client *SmsClient) Fetch(queue string) ([]Item, error) {
	answer, err := client.post(queue+"Api.aspx", url.Values{"action": {"query"}})
	if err != nil {
		return nil, err
	}
	if answer.Error != nil {
		return nil, SmsRefused(answer.Error.Remark)
	}
	return append(answer.Reports, answer.Replies...), nil
}

// post returns an answer in every case, so that its fields can be read before the error.
func (client *SmsClient) post(page string, form url.Values) (*returnSms, error) {
	answer := &returnSms{}
	form.Set("userid", client.UserID)
	if client.Authentication == "signed" {
		page = "v2" + page
		now := time.Now().Add(time.Duration(client.ClockOffset * float64(time.Second)))
		timestamp := now.In(china).Format("20060102150405")
		sign := md5.Sum([]byte(client.Account + client.Password + timestamp))
		form.Set("timestamp", timestamp)
		form.Set("sign", hex.EncodeToString(sign[:]))
	} else {
		form.Set("account", client.Account)
		form.Set("password", client.Password)
	}
	response, err := client.http.PostForm(client.URL+"/"+page, form)
	if err != nil {
		return answer, SmsUnknown(err.Error())
	}
	defer response.Body.Close()
	content, err := io.ReadAll(response.Body)
	if err != nil {
		return answer, SmsUnknown(err.Error())
	}
	if response.StatusCode != http.StatusOK {
		return answer, SmsUnknown(response.Status)
	}
	if err := xml.Unmarshal(content, answer); err != nil {
		return answer, SmsUnknown("the response is not <returnsms>: " + err.Error())
	}
	return answer, nil
}

// describe returns an item as the examiner wants it: status is a word.
func (item Item) describe() document {
	status, isKnown := map[string]string{"10": "delivered", "20": "failed"}[item.Status]
	if !isKnown {
		status = item.Status
	}
	return document{"mobile": item.Mobile, "taskid": item.TaskID, "status": status, "content": item.Content,
		"receivetime": item.ReceiveTime, "errorcode": item.ErrorCode, "extno": item.Extno}
}

// operations are those of the client. Go has no table of GBK, and only the pages of the queues are in UTF-8 always.
func (client *SmsClient) operations() []string {
	if client.Charset == "gb2312" {
		return []string{"status", "call"}
	}
	return []string{"send", "overage", "checkkeyword", "status", "call"}
}

// ---- The driver: keep this part. An item is answered when it was processed.

type Request struct {
	ID                        int
	Operation, Content, Extno string
	Mobiles                   []string
	SendTime                  *time.Time
	Settings
}

func (client *SmsClient) work(request *Request, answer func(string, document)) (document, error) {
	switch request.Operation {
	case "send":
		sent, err := client.Send(request.Mobiles, request.Content, request.SendTime, request.Extno)
		return document{"taskID": sent.TaskID, "successCounts": sent.SuccessCounts, "remainpoint": sent.RemainPoint}, err
	case "overage":
		balance, err := client.Overage()
		return document{"overage": balance.Overage, "payinfo": balance.PayInfo}, err
	case "checkkeyword":
		isForbidden, err := client.IsForbidden(request.Content)
		return document{"forbidden": isForbidden}, err
	}
	items, err := client.Fetch(request.Operation)
	for _, item := range items {
		answer("item", item.describe())
	}
	return document{}, err
}

func main() {
	client, input := &SmsClient{}, json.NewDecoder(os.Stdin)
	for request := new(Request); input.Decode(request) == nil; request = new(Request) {
		answer := func(kind string, fields document) {
			fields["id"], fields["answer"] = request.ID, kind
			json.NewEncoder(os.Stdout).Encode(fields)
		}
		if request.Operation == "configure" {
			client = NewSmsClient(request.Settings)
			answer("configured", document{"client": "Go net/http", "operations": client.operations(), "claims": []string{"clock"}})
		} else if result, err := client.work(request, answer); err == nil {
			answer("accepted", result)
		} else if errors.As(err, new(SmsRefused)) {
			answer("refused", document{"message": err.Error()})
		} else {
			answer("unknown", document{"reason": err.Error()})
		}
	}
}

// ---- Types of the driver: keep them too.

type document map[string]any

type Settings struct {
	URL            string  `json:"url"`
	Authentication string  `json:"authentication"`
	Charset        string  `json:"charset"`
	UserID         string  `json:"userid"`
	Account        string  `json:"account"`
	Password       string  `json:"password"`
	Timeout        float64 `json:"timeout"`
	ClockOffset    float64 `json:"clock_offset"`
}
