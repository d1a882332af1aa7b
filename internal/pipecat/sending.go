package pipecat

import (
	"bytes"
	"encoding/xml"
	"fmt"
	"io"
	"maps"
	"mime/multipart"
	"net/textproto"
	"slices"
	"strings"
	"sync"
)

// form is what stands before and after the file in a form of the fields. The bucket
// reads it in order: fields by their names, then Content-Type, then the file.
func form(fields map[string]string) (before, after []byte, contentType string) {
	var b bytes.Buffer
	w := multipart.NewWriter(&b)
	typeName, typeIs := "Content-Type", "application/gzip"
	for _, name := range slices.Sorted(maps.Keys(fields)) {
		if strings.EqualFold(name, typeName) {
			typeName, typeIs = name, fields[name]
			continue
		}
		_ = w.WriteField(name, fields[name]) // a buffer takes all
	}
	_ = w.WriteField(typeName, typeIs)
	_, _ = w.CreatePart(textproto.MIMEHeader{
		"Content-Disposition": {`form-data; name="file"; filename="context.tar.gz"`},
		"Content-Type":        {"application/gzip"},
	})
	split := b.Len()
	_ = w.Close()
	return b.Bytes()[:split:split], b.Bytes()[split:], w.FormDataContentType()
}

// sending is the body of an upload's request. A transport may read on after it has
// answered, so all of it is under a lock.
type sending struct {
	mu      sync.Mutex
	form    io.Reader // with the file in it
	file    io.Reader
	n       int64 // bytes of the file that were read
	size    int64 // bytes of it that are sent
	moved   func(n int64)
	fileErr error // why the file could not be read
	over    bool
}

func newSending(before []byte, file io.Reader, size int64, after []byte, moved func(n int64)) *sending {
	s := &sending{file: file, size: size, moved: moved}
	s.form = io.MultiReader(bytes.NewReader(before), readFunc(s.readFile), bytes.NewReader(after))
	return s
}

func (s *sending) Read(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.over {
		return 0, io.ErrClosedPipe
	}
	n, err := s.form.Read(p)
	if n > 0 {
		s.moved(s.n)
	}
	return n, err
}

// Close leaves the file open: it is the caller's.
func (s *sending) Close() error { return nil }

func (s *sending) readFile(p []byte) (int, error) {
	if s.n == s.size {
		return 0, io.EOF
	}
	n, err := s.file.Read(p[:min(int64(len(p)), s.size-s.n)])
	s.n += int64(n)
	switch {
	case s.n == s.size:
		err = nil
	case err == io.EOF:
		err = fmt.Errorf("the context ends after %d of %d bytes", s.n, s.size)
	}
	s.fileErr = err
	return n, err
}

// stop ends the use of the file. It returns how much of it was read, and why it
// was not read further.
func (s *sending) stop() (n int64, fileErr error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.over = true
	return s.n, s.fileErr
}

type readFunc func([]byte) (int, error)

func (f readFunc) Read(p []byte) (int, error) { return f(p) }

// parseBucketError reads the error of a bucket's answer, or of what there is of it, and
// else keeps its beginning. Other elements are not shown: they repeat what was signed.
func parseBucketError(answer []byte) (code, message, body string) {
	var said struct {
		XMLName xml.Name `xml:"Error"`
		Code    string
		Message string
	}
	_ = xml.Unmarshal(answer, &said) // what it understands, before an error too
	if said.Code == "" && said.Message == "" {
		return "", "", string(answer[:min(len(answer), maxBucketMessage)])
	}
	cut := func(s string) string {
		return strings.ToValidUTF8(strings.TrimSpace(s[:min(len(s), maxBucketMessage)]), "")
	}
	return cut(said.Code), cut(said.Message), ""
}
