package simulator

import (
	"archive/tar"
	"bytes"
	"cmp"
	"compress/gzip"
	"fmt"
	"io"
	"net"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"time"

	"pipecat-cloud-deploy/internal/pipecat"
)

// Upload is a build context that the bucket has taken.
type Upload struct {
	ID       string
	Region   string
	Hash     string   // the first 16 digits of its MD5
	Size     int64    // as it came
	Names    []string // of all that is in it, in its order
	Unpacked int64    // bytes of its files
	Err      error    // why it is no archive that can be built
}

// upload is a place in the bucket.
type upload struct {
	Upload
	fields  map[string]string // that it must be sent with
	expires time.Time
	n       int             // in the order in which contexts came; 0: it has not come
	marks   map[string]mark // of the files that a build can be of
}

// mark is what a Dockerfile asks of the simulator: see BuildScript.
type mark struct{ build, deployment string }

var marked = regexp.MustCompile(`(?m)^#[ \t]*simulator:[ \t]*(\S+)(?:[ \t]+(\S+))?[ \t]*\r?$`)

// Uploads are the contexts that the bucket has taken, the newest last.
func (c *Cloud) Uploads() []Upload {
	c.mu.Lock()
	defer c.mu.Unlock()
	var come []*upload
	for _, u := range c.uploads {
		if u.n > 0 {
			come = append(come, u)
		}
	}
	slices.SortFunc(come, func(a, b *upload) int { return cmp.Compare(a.n, b.n) })
	all := make([]Upload, len(come))
	for i, u := range come {
		all[i] = u.Upload
	}
	return all
}

func (c *Cloud) uploadURL(r *http.Request) (any, *apiError) {
	var ask struct {
		Region string `json:"region"`
	}
	if err := read(r, &ask); err != nil {
		return nil, err
	}
	if !knownRegion(ask.Region) {
		return nil, badRequest("Cloud builds are not enabled for region '%s'", ask.Region)
	}
	id := c.newID()
	expires := time.Now().Add(cmp.Or(c.UploadExpiry, 15*time.Minute))
	u := &upload{Upload: Upload{ID: id, Region: ask.Region}, expires: expires, fields: c.signed(id, ask.Region, expires)}
	if c.uploads == nil {
		c.uploads = map[string]*upload{}
	}
	c.uploads[id] = u
	return object{"uploadId": id, "uploadUrl": cmp.Or(c.Bucket, origin(r)+"/bucket"), "uploadFields": u.fields, "expiresAt": timestamp(expires.Add(c.Skew))}, nil
}

// origin is what the Cloud was called by. In a process there is no TLS to see, so
// that is thought to be https wherever it is no loopback address.
func origin(r *http.Request) string {
	host := r.Host
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	if r.TLS == nil && pipecat.IsLoopback(strings.Trim(host, "[]")) {
		return "http://" + r.Host
	}
	return "https://" + r.Host
}

// unpack reads an archive, and keeps what there is to know of it.
func (u *upload) unpack(archive io.Reader) error {
	u.Names, u.Unpacked, u.marks = nil, 0, map[string]mark{}
	compressed, err := gzip.NewReader(archive)
	if err != nil {
		return err
	}
	files, seen, head := tar.NewReader(compressed), map[string]bool{}, make([]byte, 64<<10)
	for {
		file, err := files.Next()
		if err == io.EOF {
			break
		} else if err != nil {
			return err
		}
		name := strings.TrimSuffix(file.Name, "/")
		switch {
		case !local(name):
			return fmt.Errorf("%q leads elsewhere", file.Name)
		case seen[name]:
			return fmt.Errorf("%q is in it twice", file.Name)
		}
		seen[name] = true
		u.Names = append(u.Names, file.Name)
		u.Unpacked += file.Size
		switch file.Typeflag {
		case tar.TypeDir:
		case tar.TypeLink, tar.TypeSymlink:
			u.marks[name] = mark{}
		case tar.TypeReg:
			n, err := io.ReadFull(files, head)
			if err != nil && err != io.EOF && err != io.ErrUnexpectedEOF {
				return err
			}
			u.marks[name] = markOf(head[:n])
		default:
			return fmt.Errorf("%q is of type %q", file.Name, file.Typeflag)
		}
	}
	_, err = io.Copy(io.Discard, compressed) // up to its checksum
	return err
}

func markOf(head []byte) (m mark) {
	if !bytes.Contains(head, []byte("simulator:")) {
		return m
	}
	if found := marked.FindSubmatch(head); found != nil {
		m.build, m.deployment = string(found[1]), string(found[2])
	}
	return m
}
