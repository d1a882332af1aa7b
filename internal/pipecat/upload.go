package pipecat

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"pipecat-cloud-deploy/internal/quantity"
)

const (
	maxBucketAnswer  = 64 << 10 // bytes of a bucket's answer that are read
	maxBucketMessage = 1 << 10  // bytes of its message that are kept
	maxFields        = 100      // of a form

	// uploadStall is how long an upload may stand still, from dialling to the
	// bucket's answer.
	uploadStall = time.Minute
)

// Upload is where a build context goes, and for how long: a form that the API
// has signed for its bucket.
type Upload struct {
	ID        string     `json:"uploadId"`
	URL       string     `json:"uploadUrl"`
	Fields    FormFields `json:"uploadFields"`
	ExpiresAt Time       `json:"expiresAt"` // by the platform's clock
}

// FormFields are the texts of a form by their names. Nil is no form, or one that is
// not understood: a bucket asks for a dozen fields, and a hundred are no form.
type FormFields map[string]string

// UnmarshalJSON never fails.
func (f *FormFields) UnmarshalJSON(data []byte) error {
	*f = nil
	fields := json.NewDecoder(bytes.NewReader(data))
	if t, err := fields.Token(); err != nil || t != json.Delim('{') {
		return nil
	}
	form := FormFields{}
	for fields.More() {
		name, _ := fields.Token()
		value, err := fields.Token()
		text, isText := value.(string)
		if err != nil || !isText || len(form) == maxFields {
			return nil
		}
		form[name.(string)] = text
	}
	*f = form
	return nil
}

func (u *Upload) validate() error {
	switch {
	case u.ID == "":
		return errors.New(`no "uploadId" is in it`)
	case u.URL == "":
		return errors.New(`no "uploadUrl" is in it`)
	case u.Fields == nil:
		return errors.New(`no "uploadFields" are in it`)
	}
	return nil
}

// UploadURL asks for the address to which a build's context is uploaded, in the
// region of the build, and sends its request once.
func (c *Client) UploadURL(ctx context.Context, region string) (*Upload, error) {
	var u Upload
	request := struct {
		Region string `json:"region"`
	}{region}
	if err := c.post(ctx, request, &u, "builds", "upload-url"); err != nil {
		return nil, err
	}
	return &u, nil
}

// UploadError is a context that was not uploaded.
type UploadError struct {
	URL    string // without user info, query and fragment
	Status int    // of the bucket's answer; 0 when no answer came
	// Code and Message are the bucket's own, both empty where it gave none.
	// They are not ours: print them with care.
	Code    string
	Message string
	// Body is the beginning of an answer without them. Not ours either.
	Body string
	// Err is why there was no answer; nil when the bucket refused.
	Err error

	final bool // the same request will not do better
}

func (e *UploadError) Error() string {
	if e.Err != nil {
		return fmt.Sprintf("upload to %s: %v", e.URL, e.Err)
	}
	return fmt.Sprintf("upload to %s: %s", e.URL, e.Detail())
}

// Detail is what the bucket said: its status, its message or else the first line
// of its answer, and its code.
func (e *UploadError) Detail() string { return e.said().Detail() }

// Whole reports whether Error and Detail have all of the Message, or of the Body where
// there is none.
func (e *UploadError) Whole() bool { return e.Err == nil && e.said().Whole() }

func (e *UploadError) said() *Error {
	return &Error{Status: e.Status, Code: e.Code, Message: e.Message, Body: e.Body}
}

// Unwrap returns why there was no answer.
func (e *UploadError) Unwrap() error { return e.Err }

// Expired reports whether the bucket would take the same from a fresh Upload. It
// has no code for that: a policy that has expired is an AccessDenied.
func (e *UploadError) Expired() bool {
	return e.Code == "ExpiredToken" || e.Status == http.StatusForbidden && strings.Contains(strings.ToLower(e.Message), "expired")
}

// Temporary reports whether the same upload may succeed later: it broke off, or
// the bucket reports load or an internal fault.
func (e *UploadError) Temporary() bool {
	switch {
	case e.final:
		return false
	case e.Code == "RequestTimeout", e.Code == "IncompleteBody": // each of them a 400
		return true
	}
	said := Error{Status: e.Status, Err: e.Err}
	return said.Temporary()
}

var (
	errAddress  = errors.New("its address cannot be read")
	errInsecure = errors.New("its address is neither https nor on this machine")
	errUser     = errors.New("its address has a user in it")
	errStalled  = fmt.Errorf("no data was accepted or returned for %s", quantity.Limit(uploadStall))
	errTooSoon  = errors.New("it was answered before all was sent")
)

// Upload sends size bytes of the body to the bucket, once, as the end of a form.
// It may take as long as ctx lets it, and fails when it stands still for a minute.
// The bucket is sent no key, and a redirect of it is not followed. progress is
// called with how many bytes were sent, and may be nil; neither it nor body is used after
// Upload has returned. Its error is an *UploadError.
//
// https://docs.aws.amazon.com/AmazonS3/latest/API/RESTObjectPOST.html
func (c *Client) Upload(ctx context.Context, u *Upload, body io.Reader, size int64, progress func(sent int64)) error {
	e := &UploadError{URL: "the bucket"}
	fails := func(err error, final bool) error {
		e.Err, e.final = err, final
		return e
	}
	to, err := url.Parse(u.URL)
	if err != nil {
		return fails(errAddress, true) // err would show all of it
	}
	e.URL = redact(to)
	if err := checkUploadURL(to); err != nil {
		return fails(err, true)
	}
	before, after, contentType := form(u.Fields)
	moving, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	stall := time.AfterFunc(uploadStall, func() { cancel(errStalled) })
	defer stall.Stop()
	sent := newSending(before, body, size, after, func(n int64) {
		stall.Reset(uploadStall)
		if progress != nil && n > 0 {
			progress(n)
		}
	})
	defer sent.stop()
	req, err := http.NewRequestWithContext(moving, http.MethodPost, u.URL, sent)
	if err != nil {
		return fails(errAddress, true)
	}
	req.ContentLength = int64(len(before)) + size + int64(len(after)) // the bucket accepts no chunks
	req.Header.Set("Content-Type", contentType)
	if c.UserAgent != "" {
		req.Header.Set("User-Agent", c.UserAgent)
	}
	resp, err := c.http(0).Do(req)
	if err == nil {
		defer resp.Body.Close()
		e.Status = resp.StatusCode
		if e.Status < 200 || e.Status >= 300 {
			answer, _ := io.ReadAll(io.LimitReader(resp.Body, maxBucketAnswer)) // or what there is of it
			e.Code, e.Message, e.Body = parseBucketError(answer)
			return e
		}
	}
	n, unread := sent.stop()
	switch inner := (*url.Error)(nil); {
	case unread != nil:
		return fails(unread, true)
	case err == nil && n < size:
		return fails(errTooSoon, false)
	case err == nil:
		return nil
	case ctx.Err() != nil:
		return fails(ctx.Err(), true)
	case context.Cause(moving) != nil:
		return fails(errStalled, false)
	case errors.As(err, &inner):
		return fails(inner.Err, false) // the address is in e already, redacted
	}
	return fails(err, false)
}

// checkUploadURL says why a context does not go to an address.
func checkUploadURL(to *url.URL) error {
	host := to.Hostname()
	switch {
	case host == "":
		return errAddress
	case to.Scheme != "https" && (to.Scheme != "http" || !IsLoopback(host)):
		return errInsecure
	case to.User != nil:
		return errUser // it would become an Authorization
	}
	return nil
}
