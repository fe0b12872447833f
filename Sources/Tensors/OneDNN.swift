import COneDNN

#if canImport(Glibc)
import Glibc
#else
import Darwin
#endif

/// What oneDNN's products need on one thread: an engine, the products made so far, and scratch memory.
///
/// A product is made once for its shape and kept; oneDNN keeps the machine code of all threads' products
/// together, so that a second thread makes the same one quickly. oneDNN's OpenMP is told once on each
/// thread to use no other.
final class OneDNN {
  /// A product ready to run: its memory objects get the addresses of each run.
  private struct Prepared {
    let primitive: dnnl_primitive_t?
    let a: dnnl_memory_t?
    let b: dnnl_memory_t?
    let c: dnnl_memory_t?
    let scratchpad: dnnl_memory_t?
    let scratchpadBytes: Int
    var lastUse = 0
  }

  /// How many a thread keeps; each has up to 120 KB of machine code.
  private static let mostPrepared = 256

  private struct Key: Hashable {
    let form: ProductForm
    let precision: ComputePrecision
  }

  private var engine: dnnl_engine_t?
  private var stream: dnnl_stream_t?
  private var prepared: [Key: Prepared] = [:]
  private var scratchpad = ThreadMemory()
  private var uses = 0
  private var floatScratch = ThreadMemory()

  /// Freed when its thread ends.
  private static let key: pthread_key_t = {
    var key = pthread_key_t()
    let status = pthread_key_create(&key) { pointer in
      let pointer: UnsafeMutableRawPointer? = pointer
      if let pointer { Unmanaged<OneDNN>.fromOpaque(pointer).release() }
    }
    precondition(status == 0, "no key for a thread's own values is left")
    return key
  }()

  /// The calling thread's.
  static var current: OneDNN {
    if let pointer = pthread_getspecific(key) {
      return Unmanaged<OneDNN>.fromOpaque(pointer).takeUnretainedValue()
    }
    let made = OneDNN()
    pthread_setspecific(key, Unmanaged.passRetained(made).toOpaque())
    return made
  }

  private init() {
    omp_set_num_threads(1)
    check(dnnl_engine_create(&engine, dnnl_cpu, 0))
    check(dnnl_stream_create(&stream, engine, UInt32(dnnl_stream_default_flags.rawValue)))
  }

  deinit {
    for product in prepared.values { Self.release(product) }
    dnnl_stream_destroy(stream)
    dnnl_engine_destroy(engine)
  }

  private static func release(_ product: Prepared) {
    dnnl_primitive_destroy(product.primitive)
    for memory in [product.a, product.b, product.c, product.scratchpad] {
      dnnl_memory_destroy(memory)
    }
  }

  // MARK: - Scratch memory

  /// Room for `count` numbers, valid until the next call.
  func floats(_ count: Int) -> UnsafeMutablePointer<Float> {
    floatScratch.room(for: count * 4).assumingMemoryBound(to: Float.self)
  }

  // MARK: - Products

  /// `dnnl_sgemm`, which needs nothing made before.
  static func general(_ form: ProductForm, _ operands: ProductOperands<Float>) {
    _ = current  // one thread
    let status = dnnl_sgemm(
      form.transposeA ? letterT : letterN, form.transposeB ? letterT : letterN,
      dnnl_dim_t(form.m), dnnl_dim_t(form.n), dnnl_dim_t(form.k), form.alpha, operands.a,
      dnnl_dim_t(form.lda), operands.b, dnnl_dim_t(form.ldb), form.accumulates ? 1 : 0, operands.c,
      dnnl_dim_t(form.ldc))
    check(status)
  }

  private static let letterT = CChar(UInt8(ascii: "T"))
  private static let letterN = CChar(UInt8(ascii: "N"))

  func product(_ form: ProductForm, _ operands: ProductOperands<Float>) {
    run(Key(form: form, precision: .float32), operands.a, operands.b, operands.c)
  }

  /// Inputs in bfloat16, sums in float32.
  func product(_ form: ProductForm, _ operands: ProductOperands<UInt16>) {
    run(Key(form: form, precision: .bfloat16), operands.a, operands.b, operands.c)
  }

  private func run(
    _ key: Key, _ a: UnsafeRawPointer, _ b: UnsafeRawPointer, _ c: UnsafeMutableRawPointer
  ) {
    uses += 1
    let product: Prepared
    if let index = prepared.index(forKey: key) {
      prepared.values[index].lastUse = uses
      product = prepared.values[index]
    } else {
      product = prepare(key)
    }
    check(dnnl_memory_set_data_handle(product.a, UnsafeMutableRawPointer(mutating: a)))
    check(dnnl_memory_set_data_handle(product.b, UnsafeMutableRawPointer(mutating: b)))
    check(dnnl_memory_set_data_handle(product.c, c))
    let scratch = scratchpad.room(for: product.scratchpadBytes)
    check(dnnl_memory_set_data_handle(product.scratchpad, scratch))
    withUnsafeTemporaryAllocation(of: dnnl_exec_arg_t.self, capacity: 4) { arguments in
      arguments[0] = dnnl_exec_arg_t(arg: DNNL_ARG_SRC, memory: product.a)
      arguments[1] = dnnl_exec_arg_t(arg: DNNL_ARG_WEIGHTS, memory: product.b)
      arguments[2] = dnnl_exec_arg_t(arg: DNNL_ARG_DST, memory: product.c)
      arguments[3] = dnnl_exec_arg_t(arg: DNNL_ARG_SCRATCHPAD, memory: product.scratchpad)
      check(dnnl_primitive_execute(product.primitive, stream, 4, arguments.baseAddress))
    }
  }

  private func prepare(_ key: Key) -> Prepared {
    let form = key.form
    let type = key.precision == .bfloat16 ? dnnl_bf16 : dnnl_f32
    precondition(form.alpha == 1, "a scaled product is general")
    var a = description(form.m, form.k, type, form.lda, transposed: form.transposeA)
    var b = description(form.k, form.n, type, form.ldb, transposed: form.transposeB)
    var c = description(form.m, form.n, dnnl_f32, form.ldc, transposed: false)
    var operation = dnnl_matmul_desc_t()
    check(dnnl_matmul_desc_init(&operation, &a, &b, nil, &c))

    var attributes: dnnl_primitive_attr_t?
    check(dnnl_primitive_attr_create(&attributes))
    defer { dnnl_primitive_attr_destroy(attributes) }
    check(dnnl_primitive_attr_set_scratchpad_mode(attributes, dnnl_scratchpad_mode_user))
    if form.accumulates {
      var sum: dnnl_post_ops_t?
      check(dnnl_post_ops_create(&sum))
      check(dnnl_post_ops_append_sum(sum, 1))
      check(dnnl_primitive_attr_set_post_ops(attributes, sum))
      dnnl_post_ops_destroy(sum)
    }
    var recipe: dnnl_primitive_desc_t?
    check(dnnl_primitive_desc_create(&recipe, &operation, attributes, engine, nil))
    defer { dnnl_primitive_desc_destroy(recipe) }
    var primitive: dnnl_primitive_t?
    check(dnnl_primitive_create(&primitive, recipe))
    let scratch = dnnl_primitive_desc_query_md(recipe, dnnl_query_scratchpad_md, 0)
    let product = Prepared(
      primitive: primitive, a: memory(&a), b: memory(&b), c: memory(&c),
      scratchpad: memory(scratch), scratchpadBytes: dnnl_memory_desc_get_size(scratch),
      lastUse: uses)
    if prepared.count >= Self.mostPrepared { forgetOlderHalf() }
    prepared[key] = product
    return product
  }

  private func forgetOlderHalf() {
    let uses = prepared.values.map(\.lastUse).sorted()
    let middle = uses[uses.count / 2]
    for (key, product) in prepared where product.lastUse < middle {
      Self.release(product)
      prepared[key] = nil
    }
  }

  /// A matrix `[rows, columns]`, which lies transposed in memory if it says so.
  private func description(
    _ rows: Int, _ columns: Int, _ type: dnnl_data_type_t, _ stride: Int, transposed: Bool
  ) -> dnnl_memory_desc_t {
    var result = dnnl_memory_desc_t()
    let sizes = [dnnl_dim_t(rows), dnnl_dim_t(columns)]
    let strides = transposed ? [1, dnnl_dim_t(stride)] : [dnnl_dim_t(stride), 1]
    check(dnnl_memory_desc_init_by_strides(&result, 2, sizes, type, strides))
    return result
  }

  private func memory(_ description: UnsafePointer<dnnl_memory_desc_t>?) -> dnnl_memory_t? {
    var result: dnnl_memory_t?
    // Addresses come with each run.
    check(dnnl_memory_create(&result, description, engine, nil))
    return result
  }
}

/// Ends the program when oneDNN refuses what is always allowed: memory is short, or the library is another one.
@inline(__always)
private func check(_ status: dnnl_status_t) {
  guard status == dnnl_success else {
    preconditionFailure("oneDNN failed with status \(status.rawValue)")
  }
}

/// The instruction sets that decide which products are fast, from slow to fast.
enum InstructionSet: String, Comparable, CaseIterable {
  case other
  case avx2
  case avx512 = "avx512_core"
  case avx512BFloat16 = "avx512_core_bf16"
  case amx

  /// The best that the CPU has and `ONEDNN_MAX_CPU_ISA` allows.
  static var effective: InstructionSet {
    let bits = dnnl_get_effective_cpu_isa().rawValue
    let known: [(dnnl_cpu_isa_t, InstructionSet)] = [
      (dnnl_cpu_isa_avx512_core_amx, .amx), (dnnl_cpu_isa_avx512_core_bf16, .avx512BFloat16),
      (dnnl_cpu_isa_avx512_core, .avx512), (dnnl_cpu_isa_avx2, .avx2),
    ]
    return known.first { bits & $0.0.rawValue == $0.0.rawValue }?.1 ?? .other
  }

  static func < (a: InstructionSet, b: InstructionSet) -> Bool {
    (allCases.firstIndex(of: a) ?? 0) < (allCases.firstIndex(of: b) ?? 0)
  }
}

/// One run of memory that is used again and grows as it must.
private struct ThreadMemory: ~Copyable {
  private var base: UnsafeMutableRawPointer?
  private var capacity = 0

  init() {}

  /// At least `bytes` bytes at a multiple of 64, their contents undefined.
  mutating func room(for bytes: Int) -> UnsafeMutableRawPointer {
    if let base, bytes <= capacity { return base }
    free(base)
    capacity = (max(bytes, 1 << 12) + (bytes >> 3) + 63) / 64 * 64
    var memory: UnsafeMutableRawPointer?
    guard posix_memalign(&memory, 64, capacity) == 0, let memory else {
      fatalError("out of memory: \(capacity) bytes for a product could not be allocated")
    }
    base = memory
    return memory
  }

  deinit { free(base) }
}
