package pipecat

import (
	"fmt"
	"net/http"
	"net/url"
	"reflect"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

const maxErrorBody = 4 << 10

// Error is a request that failed: refused by the API, or without an answer
// that could be read whole.
type Error struct {
	Method string
	URL    string // without user info, query and fragment
	Status int    // 0 when no answer came
	// Code and Message are the API's own, both empty where it gave none.
	// They are not ours: print them with care.
	Code    string
	Message string
	// FromAPI says that the API itself refused: its answer is an object with an
	// "error" text. A proxy's page is not.
	FromAPI bool
	// Date is when the answer was made, by the server's clock; zero when it does
	// not say.
	Date time.Time
	// RetryAfter is how long the API asks to wait; 0 when it does not say.
	RetryAfter time.Duration
	// Body is the beginning of the answer, at most 4 KiB. Not ours either.
	Body string
	// Err is why there was no whole answer; nil when the API refused.
	Err error
}

func (e *Error) Error() string {
	if e.URL == "" && e.Err != nil { // of what a caller found in an answer
		return e.Err.Error()
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%s %s: ", e.Method, e.URL)
	switch {
	case e.Status == 0:
		fmt.Fprintf(&b, "no answer: %v", e.Err)
		return b.String()
	case e.Err != nil:
		fmt.Fprintf(&b, "%s, but the answer cannot be read: %v", e.status(), e.Err)
		return b.String()
	}
	b.WriteString(e.Detail())
	return b.String()
}

// Detail is what the API said: its status, its message or else the first line
// of its answer, and its code; what only repeats the status is left out.
func (e *Error) Detail() string {
	words := e.status()
	switch first, _, _ := strings.Cut(strings.TrimSpace(e.Body), "\n"); {
	case e.Message != "" && strings.EqualFold(e.Message, http.StatusText(e.Status)): // it says no more
	case e.Message != "":
		words += ": " + e.Message
	case first != "":
		words += fmt.Sprintf(": %.200q", first)
	}
	if e.Code != "" && e.Code != strconv.Itoa(e.Status) {
		words += " (" + e.Code + ")"
	}
	return words
}

// Whole reports whether Error and Detail have all of the Message, or of the Body where
// there is none.
func (e *Error) Whole() bool {
	const most = 200 // characters that Detail quotes
	body := strings.TrimSpace(e.Body)
	switch {
	case e.Err != nil:
		return false
	case e.Message != "":
		return e.Message == http.StatusText(e.Status) || !strings.EqualFold(e.Message, http.StatusText(e.Status))
	}
	return strconv.Quote(body) == `"`+body+`"` && utf8.RuneCountInString(body) <= most
}

// Unwrap returns why there was no whole answer.
func (e *Error) Unwrap() error { return e.Err }

// Temporary reports whether the same request may succeed later: no whole
// answer came, or one that speaks of load or of a fault of the server's.
func (e *Error) Temporary() bool {
	switch {
	case e.Err != nil:
		return true
	case e.Status == http.StatusRequestTimeout, e.Status == http.StatusTooManyRequests:
		return true
	case e.Status == http.StatusNotFound && !e.FromAPI: // of something in between
		return true
	}
	return e.Status >= 500
}

// Missing reports whether the API itself says that there is no such thing.
func (e *Error) Missing() bool { return e.Status == http.StatusNotFound && e.FromAPI }

// Unauthorized reports whether the API rejects the key, or rejects it for this.
func (e *Error) Unauthorized() bool {
	return e.Status == http.StatusUnauthorized || e.Status == http.StatusForbidden
}

func (e *Error) status() string {
	return strings.TrimSpace(strconv.Itoa(e.Status) + " " + http.StatusText(e.Status))
}

// parseErrorResponse reads the ErrorResponse of the reference. What is not one has
// neither code nor message; the key is never in them. FromAPI says that it has an
// "error" text, as every refusal of the API has.
func parseErrorResponse(body []byte, key string) (code, message string, fromAPI bool) {
	var r struct {
		Error   string `json:"error"`
		Message string `json:"message"`
		Code    string `json:"code"`
	}
	if decode(body, &r) != nil {
		return "", "", false
	}
	if fromAPI = r.Error != ""; !fromAPI {
		r.Error = r.Message
	}
	if key != "" {
		redactKey(reflect.ValueOf(&r), key)
	}
	return r.Code, r.Error, fromAPI
}

// retryAfter reads a Retry-After header: seconds or a date, and 0 for none. A
// date is held against that of the answer, for clocks differ, and jump; against
// ours where that is zero.
//
// https://www.rfc-editor.org/rfc/rfc9110#name-retry-after
func retryAfter(after string, date time.Time) time.Duration {
	if seconds, err := strconv.ParseUint(after, 10, 31); err == nil {
		return time.Duration(seconds) * time.Second
	}
	at, err := http.ParseTime(after)
	if err != nil {
		return 0
	}
	if date.IsZero() {
		date = time.Now()
	}
	return max(0, at.Sub(date))
}

func redact(u *url.URL) string {
	shown := *u
	shown.User, shown.RawQuery, shown.Fragment = nil, "", ""
	return shown.String()
}
