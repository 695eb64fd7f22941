//! The program of a Pod's sandbox on a real node: it holds the Pod's namespaces and does nothing. It is ended by
//! SIGKILL.

fn main() {
    loop {
        std::thread::park();
    }
}
