package simulator

import (
	"bufio"
	"cmp"
	"crypto/md5"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"strings"
	"time"
)

// maxForm is how many bytes a form may have before its file.
const maxForm = 20 << 10

// IsUpload selects what goes to the bucket, and not to the API.
func IsUpload(r *http.Request) bool {
	return r.URL.Path == "/bucket" || strings.HasPrefix(r.URL.Path, "/bucket/")
}

// bucketError is what the bucket refuses with.
type bucketError struct {
	status        int
	code, message string
}

func denied(format string, args ...any) *bucketError {
	return &bucketError{http.StatusForbidden, "AccessDenied", fmt.Sprintf(format, args...)}
}

var (
	errExpired   = denied("Invalid according to Policy: Policy expired.")
	errMalformed = &bucketError{http.StatusBadRequest, "MalformedPOSTRequest", "The body of your POST request is not well-formed multipart/form-data."}
	errOneFile   = &bucketError{http.StatusBadRequest, "InvalidArgument", "POST requires exactly one file upload per request."}
	errCut       = &bucketError{http.StatusBadRequest, "IncompleteBody", "You did not provide the number of bytes specified by the Content-Length HTTP header"}
)

// signed are the fields that let a context into the bucket.
func (c *Cloud) signed(id, region string, expires time.Time) map[string]string {
	fields := map[string]string{
		"key":                  "org_simulated/" + id + ".tar.gz",
		"bucket":               "pipecat-cloud-build-context",
		"Content-Type":         "application/gzip",
		"X-Amz-Algorithm":      "AWS4-HMAC-SHA256",
		"X-Amz-Credential":     "SIMULATED/" + region + "/s3/aws4_request",
		"X-Amz-Date":           expires.UTC().Format("20060102T150405Z"),
		"X-Amz-Security-Token": "simulated+token/" + id + "==",
	}
	conditions := []any{[]any{"content-length-range", 1, c.maxContext()}}
	for _, name := range []string{"key", "bucket", "Content-Type"} {
		conditions = append(conditions, []string{"eq", "$" + name, fields[name]})
	}
	policy, _ := json.Marshal(object{"expiration": timestamp(expires), "conditions": conditions}) // all of which can be
	fields["Policy"] = base64.StdEncoding.EncodeToString(policy)
	signature := sha256.Sum256([]byte("simulated " + fields["Policy"]))
	fields["X-Amz-Signature"] = hex.EncodeToString(signature[:])
	return fields
}

func (c *Cloud) maxContext() int64 { return cmp.Or(c.MaxContext, 500<<20) }

// bucket accepts a context as S3 accepts a form. It reads to a request's end before it
// refuses, so that the caller can read why.
//
// https://docs.aws.amazon.com/AmazonS3/latest/API/RESTObjectPOST.html
func (c *Cloud) bucket(w http.ResponseWriter, r *http.Request) {
	etag, refusal := c.store(r)
	w.Header().Set("Date", time.Now().Add(c.Skew).UTC().Format(http.TimeFormat))
	if refusal == nil {
		w.Header().Set("ETag", `"`+etag+`"`)
		w.WriteHeader(http.StatusNoContent)
		return
	}
	_, _ = io.CopyN(io.Discard, r.Body, 2*c.maxContext())
	w.Header().Set("Content-Type", "application/xml")
	w.WriteHeader(refusal.status)
	_, _ = io.WriteString(w, xml.Header)
	_ = xml.NewEncoder(w).Encode(struct {
		XMLName   xml.Name `xml:"Error"`
		Code      string
		Message   string
		RequestID string `xml:"RequestId"`
	}{Code: refusal.code, Message: refusal.message, RequestID: "SIMULATED"})
}

func (c *Cloud) store(r *http.Request) (etag string, refusal *bucketError) {
	switch {
	case r.Method != http.MethodPost:
		return "", &bucketError{http.StatusMethodNotAllowed, "MethodNotAllowed", "The specified method is not allowed against this resource."}
	case r.Header.Get("Authorization") != "":
		return "", &bucketError{http.StatusBadRequest, "InvalidArgument", "Only one auth mechanism allowed"}
	case r.ContentLength < 0:
		return "", &bucketError{http.StatusLengthRequired, "MissingContentLength", "You must provide the Content-Length HTTP header."}
	}
	form, err := r.MultipartReader()
	if err != nil {
		return "", &bucketError{http.StatusPreconditionFailed, "PreconditionFailed", "Bucket POST must be of the enclosure-type multipart/form-data"}
	}
	file, fields, refusal := untilFile(form)
	if refusal != nil {
		return "", refusal
	}
	place, refusal := c.allowed(fields)
	if refusal != nil {
		return "", refusal
	}

	// Nothing of the Cloud is locked while the file comes.
	come := upload{}
	hash := md5.New()
	var size countWriter
	content := bufio.NewReaderSize(io.TeeReader(file, io.MultiWriter(hash, &size)), 256<<10)
	if !c.SkipUnpack {
		come.Err = come.unpack(content)
	}
	if _, err := io.Copy(io.Discard, content); err != nil {
		return "", errCut
	}
	if _, err := form.NextRawPart(); err == nil {
		return "", errOneFile
	} else if err != io.EOF {
		return "", errCut
	}
	switch {
	case int64(size) > c.maxContext():
		return "", &bucketError{http.StatusBadRequest, "EntityTooLarge", "Your proposed upload exceeds the maximum allowed size"}
	case size == 0:
		return "", &bucketError{http.StatusBadRequest, "EntityTooSmall", "Your proposed upload is smaller than the minimum allowed size"}
	case !time.Now().Before(place.expires): // it was to be complete by then
		return "", errExpired
	}
	etag = hex.EncodeToString(hash.Sum(nil))
	c.mu.Lock()
	defer c.mu.Unlock()
	c.made++
	place.n, place.marks = c.made, come.marks
	come.ID, come.Region, come.Hash, come.Size = place.ID, place.Region, etag[:16], int64(size)
	place.Upload = come.Upload
	return etag, nil
}

// countWriter counts the bytes that are written to it.
type countWriter int64

func (n *countWriter) Write(p []byte) (int, error) {
	*n += countWriter(len(p))
	return len(p), nil
}

// untilFile reads a form's fields, up to its file.
func untilFile(form *multipart.Reader) (file *multipart.Part, fields map[string]string, refusal *bucketError) {
	fields = map[string]string{}
	for room := int64(maxForm); ; {
		part, err := form.NextRawPart()
		switch {
		case err == io.EOF:
			return nil, nil, errOneFile
		case errors.Is(err, io.ErrUnexpectedEOF):
			return nil, nil, errCut
		case err != nil:
			return nil, nil, errMalformed
		case part.FormName() == "file":
			return part, fields, nil
		}
		value, err := io.ReadAll(io.LimitReader(part, room+1))
		if room -= int64(len(part.FormName()) + len(value)); room < 0 {
			return nil, nil, &bucketError{http.StatusBadRequest, "MaxPostPreDataLengthExceeded", "Your POST request fields preceding the upload file were too large."}
		}
		if _, twice := fields[part.FormName()]; twice || err != nil || part.FormName() == "" {
			return nil, nil, errMalformed
		}
		fields[part.FormName()] = string(value)
	}
}

// allowed finds the place that the fields are signed for.
func (c *Cloud) allowed(fields map[string]string) (*upload, *bucketError) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if fields["Policy"] == "" || fields["X-Amz-Signature"] == "" {
		return nil, denied("Access Denied")
	}
	var place *upload
	for _, u := range c.uploads {
		if u.fields["X-Amz-Signature"] == fields["X-Amz-Signature"] && u.fields["Policy"] == fields["Policy"] {
			place = u
		}
	}
	if place == nil {
		return nil, &bucketError{http.StatusForbidden, "SignatureDoesNotMatch",
			"The request signature we calculated does not match the signature you provided. Check your key and signing method."}
	}
	for name := range fields {
		if _, known := place.fields[name]; !known {
			return nil, denied("Invalid according to Policy: Extra input fields: %s", strings.ToLower(name))
		}
	}
	for _, name := range []string{"key", "bucket", "Content-Type"} {
		if fields[name] != place.fields[name] {
			return nil, denied(`Invalid according to Policy: Policy Condition failed: ["eq", "$%s", "%s"]`, name, place.fields[name])
		}
	}
	for name, want := range place.fields {
		if fields[name] != want {
			return nil, denied("Access Denied")
		}
	}
	if !time.Now().Before(place.expires) {
		return nil, errExpired
	}
	return place, nil
}
